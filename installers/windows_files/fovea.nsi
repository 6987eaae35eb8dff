; Fovea's installer for Windows: for one user, without administrator rights.
;
;   makensis /DPROGRAM=dist\Fovea-full\* /DVERSION=0.1.0 /DNUMBERS=0.1.0.0 /DICON=build\fovea.ico
;            /DLICENCE=LICENSE /DOUTFILE=dist\Fovea-0.1.0-full-windows-unsigned.exe fovea.nsi
;
; `python -m installers.windows` fills these in, and writes the file of words (/DWORDS=words.nsh). /DTARGET=amd64-unicode makes a 64-bit installer where makensis can.
;
;   Fovea-….exe /S [/D=C:\folder]                 install or update without a question
;   Uninstall.exe /S                              remove without a question; models and settings stay
;   Uninstall.exe /S /PURGE                       … and remove them too
;
; Layout: $INSTDIR\program holds the program, $INSTDIR\Uninstall.exe removes it. Models and settings lie in
; %LOCALAPPDATA%\Fovea and are never touched by an update.

!ifdef TARGET
  Target ${TARGET}
!endif
Unicode true
ManifestDPIAware true
SetCompressor /SOLID lzma
RequestExecutionLevel user

!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh
!include Sections.nsh
!include "${SUFFIXES}"

!define KEY "Software\Fovea"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Fovea"
!define APPLICATION "Software\Classes\Applications\Fovea Window.exe"
!define CLASS "Software\Classes\Fovea.Image"
!define WINDOW "$INSTDIR\program\Fovea Window.exe"

Name "Fovea"
OutFile "${OUTFILE}"
InstallDir "$LOCALAPPDATA\Programs\Fovea"
; An update goes where Fovea is.
InstallDirRegKey HKCU "${KEY}" "InstallDir"
BrandingText "Fovea ${VERSION}"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${NUMBERS}"
VIAddVersionKey "ProductName" "Fovea"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Fovea, installer"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "Apache License 2.0"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN "$INSTDIR\program\Fovea Window.exe"
!define MUI_FINISHPAGE_RUN_TEXT "$(WORDS_OPEN_NOW)"
!insertmacro MUI_PAGE_LICENSE "${LICENCE}"
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
; The languages, and what the pages say in each: made of resources/translations by installers.windows.
!include "${WORDS}"

Section "$(WORDS_PROGRAM)" SEC_PROGRAM
  SectionIn RO
  SetShellVarContext current
  ; What an interrupted update left behind.
  RMDir /r "$INSTDIR\program.new"
  ${If} ${FileExists} "$INSTDIR\program.old\*"
    ${If} ${FileExists} "$INSTDIR\program\*"
      RMDir /r "$INSTDIR\program.old"
    ${Else}
      Rename "$INSTDIR\program.old" "$INSTDIR\program"
    ${EndIf}
  ${EndIf}
  ; All of it beside the old program first, then two renames: an update that fails leaves the old one.
  ClearErrors
  SetOutPath "$INSTDIR\program.new"
  File /r "${PROGRAM}"
  ${If} ${Errors}
    SetOutPath "$INSTDIR"
    RMDir /r "$INSTDIR\program.new"
    MessageBox MB_OK|MB_ICONSTOP "$(WORDS_FULL)" /SD IDOK
    SetErrorLevel 3
    Abort
  ${EndIf}
  SetOutPath "$INSTDIR"
  ${If} ${FileExists} "$INSTDIR\program\*"
    retry:
    ClearErrors
    Rename "$INSTDIR\program" "$INSTDIR\program.old"
    ${If} ${Errors}
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(WORDS_OPEN)" /SD IDCANCEL IDRETRY retry
      RMDir /r "$INSTDIR\program.new"
      SetErrorLevel 4
      Abort
    ${EndIf}
  ${EndIf}
  ClearErrors
  Rename "$INSTDIR\program.new" "$INSTDIR\program"
  ${If} ${Errors}
    Rename "$INSTDIR\program.old" "$INSTDIR\program"
    MessageBox MB_OK|MB_ICONSTOP "$(WORDS_NOT_PLACED)" /SD IDOK
    SetErrorLevel 5
    Abort
  ${EndIf}
  RMDir /r "$INSTDIR\program.old"

  WriteUninstaller "$INSTDIR\Uninstall.exe"
  WriteRegStr HKCU "${KEY}" "InstallDir" "$INSTDIR"
  WriteRegStr HKCU "${KEY}" "Version" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Fovea"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "${WINDOW}"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\Uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\Uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  ${GetSize} "$INSTDIR\program" "/S=0K" $0 $1 $2
  IntFmt $0 "0x%08X" $0
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" "$0"
  CreateShortcut "$SMPROGRAMS\Fovea.lnk" "${WINDOW}" "" "${WINDOW}" 0 SW_SHOWNORMAL "" "$(WORDS_ENTRY)"
SectionEnd

Section /o "$(WORDS_DESKTOP)" SEC_DESKTOP
  SetShellVarContext current
  CreateShortcut "$DESKTOP\Fovea.lnk" "${WINDOW}"
SectionEnd

; Fovea offers itself under 'Open with'. It never becomes the program that opens a file by default.
Section "$(WORDS_FILES)" SEC_FILES
  WriteRegStr HKCU "${APPLICATION}" "FriendlyAppName" "Fovea"
  WriteRegStr HKCU "${APPLICATION}\shell\open\command" "" '"${WINDOW}" "%1"'
  WriteRegStr HKCU "${CLASS}" "" "$(WORDS_IMAGE)"
  WriteRegStr HKCU "${CLASS}\shell\open\command" "" '"${WINDOW}" "%1"'
  !macro OFFER SUFFIX
    WriteRegStr HKCU "${APPLICATION}\SupportedTypes" "${SUFFIX}" ""
    WriteRegStr HKCU "Software\Classes\${SUFFIX}\OpenWithProgids" "Fovea.Image" ""
  !macroend
  !insertmacro FOR_EACH_SUFFIX OFFER
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${SEC_PROGRAM} "$(WORDS_ABOUT_PROGRAM)"
  !insertmacro MUI_DESCRIPTION_TEXT ${SEC_DESKTOP} "$(WORDS_ABOUT_DESKTOP)"
  !insertmacro MUI_DESCRIPTION_TEXT ${SEC_FILES} "$(WORDS_ABOUT_FILES)"
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Section "Uninstall"
  SetShellVarContext current
  ; Only what this installer made: a folder that the user chose may hold other things.
  ClearErrors
  ${If} ${FileExists} "$INSTDIR\program\*"
    Rename "$INSTDIR\program" "$INSTDIR\program.old"
    ${If} ${Errors}
      MessageBox MB_OK|MB_ICONEXCLAMATION "$(WORDS_OPEN_STILL)" /SD IDOK
      SetErrorLevel 4
      Abort
    ${EndIf}
  ${EndIf}
  RMDir /r "$INSTDIR\program.old"
  RMDir /r "$INSTDIR\program.new"
  Delete "$INSTDIR\Uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Fovea.lnk"
  Delete "$DESKTOP\Fovea.lnk"
  !macro WITHDRAW SUFFIX
    DeleteRegValue HKCU "Software\Classes\${SUFFIX}\OpenWithProgids" "Fovea.Image"
  !macroend
  !insertmacro FOR_EACH_SUFFIX WITHDRAW
  DeleteRegKey HKCU "${APPLICATION}"
  DeleteRegKey HKCU "${CLASS}"
  DeleteRegKey HKCU "${UNINSTALL}"
  DeleteRegKey HKCU "${KEY}"
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'

  ; Models and settings are the user's: removed only when she says so.
  StrCpy $1 "keep"
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/PURGE" $2
  ${IfNot} ${Errors}
    StrCpy $1 "purge"
  ${ElseIf} ${FileExists} "$LOCALAPPDATA\Fovea\*"
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "$(WORDS_PURGE)" /SD IDNO IDNO keep
    StrCpy $1 "purge"
    keep:
  ${EndIf}
  ${If} $1 == "purge"
    RMDir /r "$LOCALAPPDATA\Fovea"
  ${EndIf}
SectionEnd
