#!/bin/sh
# Installs Fovea for you alone, without administrator rights, or removes it again:
#
#   sh install.sh                 install, or update what is installed; models and settings stay
#   sh install.sh --remove        remove the program; asks about your models and settings
#   sh install.sh --remove --keep    … and keeps them without asking
#   sh install.sh --remove --purge   … and removes them without asking
#
# The program goes to ~/.local/lib/fovea, its command to ~/.local/bin, its menu entry to ~/.local/share.
set -eu
unset CDPATH
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
config=${XDG_CONFIG_HOME:-$HOME/.config}
cache=${XDG_CACHE_HOME:-$HOME/.cache}
state=${XDG_STATE_HOME:-$HOME/.local/state}
place=$HOME/.local/lib/fovea
command=$HOME/.local/bin/fovea
entry=$data/applications/fovea.desktop
icon=$data/icons/hicolor/scalable/apps/fovea.svg
mime=$data/mime/packages/fovea.xml

die() { printf 'fovea: %s\n' "$*" >&2; exit 1; }

refresh() {
    if command -v update-desktop-database >/dev/null 2>&1; then update-desktop-database -q "$data/applications" || true; fi
    if command -v update-mime-database >/dev/null 2>&1; then update-mime-database "$data/mime" >/dev/null 2>&1 || true; fi
}

remove() {
    rm -f "$entry" "$icon" "$mime"
    # Somebody else's command of this name stays.
    if [ -L "$command" ] && [ "$(readlink "$command")" = "$place/fovea" ]; then rm -f "$command"; fi
    rm -rf "$place" "$place.new" "$place.old"
    refresh
    choice=$1
    if [ "$choice" = ask ]; then
        if [ -d "$data/Fovea" ] || [ -d "$config/Fovea" ]; then
            printf 'Remove your models, runs, results and settings too? They cannot be brought back. [y/N] '
            read -r answer || answer=
            case $answer in [yY]*) choice=purge ;; *) choice=keep ;; esac
        fi
    fi
    if [ "$choice" = purge ]; then
        rm -rf "$data/Fovea" "$config/Fovea" "$cache/Fovea" "$state/Fovea"
        echo "Fovea, its models and its settings are removed."
    else
        echo "Fovea is removed. Your models and settings stay in $data/Fovea and $config/Fovea."
    fi
}

install() {
    [ -x "$here/fovea" ] || die "the program is not beside this script; unpack the whole archive first"
    mkdir -p "$(dirname "$place")" "$(dirname "$command")" "$(dirname "$entry")" "$(dirname "$icon")" "$(dirname "$mime")"
    rm -rf "$place.new"
    # All of it beside the old one first: an installation that is interrupted leaves the old program as it was.
    cp -a "$here" "$place.new" || { rm -rf "$place.new"; die "the program could not be copied: is the disk full?"; }
    rm -rf "$place.old"
    if [ -d "$place" ]; then mv "$place" "$place.old"; fi
    mv "$place.new" "$place"
    rm -rf "$place.old"
    if [ -e "$command" ] && [ ! -L "$command" ]; then
        echo "There is another $command; it was left as it is."
    else
        ln -sf "$place/fovea" "$command"
    fi
    sed "s|^Exec=fovea|Exec=\"$place/fovea\"|" "$place/share/fovea.desktop" >"$entry"
    cp "$place/share/fovea.svg" "$icon"
    cp "$place/share/fovea.xml" "$mime"
    refresh
    echo "Fovea is installed. Start it from the menu, or with: $command"
}

case "${1:-}" in
    '') install ;;
    --remove)
        case "${2:-}" in
            '') remove ask ;;
            --keep) remove keep ;;
            --purge) remove purge ;;
            *) die "unknown option $2" ;;
        esac ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
