<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="pt_BR" sourcelanguage="en">
 <context>
  <name />
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1 (divided by 255)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 255, as they are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>A file that is opened from the desktop will not come to this window: no connection for it could be made. Drop it here instead.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Begun</source>
   <extracomment>When a training was begun.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Damaged: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Device</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Fovea is running already, but does not answer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Has no classes of its own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed, to build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed · {0} to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not made yet · nothing to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not measured</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Preset</source>
   <extracomment>A ready-made set of settings for a training.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Run</source>
   <extracomment>One training with its plan, curves and figures, as it is kept.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Runs</source>
   <extracomment>Trainings that are kept, with their plans, curves and figures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Time spent</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Wait until its window answers, or end it, then try again. Nothing was opened.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>With Fovea</source>
   <extracomment>Models that come with the program.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Yours</source>
   <extracomment>Models that the user made or brought in.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>best epoch: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pictures got their size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pixels were given</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the best epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the finished model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>what its outputs are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>{0} of {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures in {1} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} · {1}×{1} colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>{0} – best</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>−1 to 1</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>AboutDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>About Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Classifies images on your own computer, offline. Free software under the Apache License 2.0.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Copy versions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Parts and licences</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Qt and PySide6 are used under the LGPL, version 3. A model's licence and credits are on its card.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>System</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Version {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>AdviceRow</name>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>A medical model is never chosen by itself.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Use that model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Use the model {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Which model would suit</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>AnswerColumn</name>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>The scores are of digit {0} of {1}. The arrow keys or a click on its label choose another.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>What was read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>{0} ms from the stroke to the answer · {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>AnswerPane</name>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>About this model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Classifying…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Install the weights of this model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Install…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>No answer. The reason is below the picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Opening {0} ms, preparing {1} ms, network {2} ms</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Starting the engine…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>The answer appears here once an image is open.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Weights not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>{0} ms · {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Asking</name>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Another job on models runs: wait for it, or cancel it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Export</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Import a Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Models (*.keras *.h5 *.hdf5 *.tflite *.zip)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Rename</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>The model's name</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>AugmentPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Also, from the starting point: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Another picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Brightness</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Contrast</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Corners filled with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>In each epoch every picture comes a little different, so few pictures go further. Choose only changes after which the right answer is still the same: a mirrored 'b' is a 'd'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Lighter or darker by up to this share.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Made larger or smaller by up to this share.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Mirror left and right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Mirror up and down</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Moved by up to this share of the side.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>None</source>
   <extracomment>A choice: none of it.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Not used here: the features of each picture are computed once.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Recommended</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Rotation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Sample {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Shear</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Shift</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Slanted by up to so many degrees.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Stronger or weaker contrast.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>The picture as it is prepared</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Top left: the picture as prepared; the others: what training makes of it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Turned by up to so many degrees either way.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Variety</source>
   <extracomment>A page of the wizard: changes made to training pictures (data augmentation).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>What fills the corners that come into view</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Which changes should it learn not to mind?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Zoom</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>black</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>mirrored left and right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>mirrored up and down</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>off</source>
   <extracomment>A setting that is switched off.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the edge drawn out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the other side</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the picture mirrored</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CalibrationTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Accuracy against share answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Accuracy against share answered, as a table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>All answered: {0} right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>From a score of</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Lower is better. The model gives: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Mean score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Nothing was answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Reliability</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Reliability as a table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Right among them %</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Score</source>
   <extracomment>The number beside an answer, 0 to 1.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Share answered as a table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Share right %</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>images answered, the surest first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>right among them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>share right</source>
   <extracomment>Axis of a plot: share of right answers.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>top score (shaded: how many images)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>{0} to {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CancelQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Cancel the training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End and discard</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End and keep the checkpoint</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End the training “{0}” now?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>No epoch is done yet.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>No model is made either way.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>{0} of {1} epochs are done. With its checkpoint it can be taken up later.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CardList</name>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Damaged: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Has no classes of its own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed, to build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Models</source>
   <extracomment>A view of the window: trained models (networks), not people or cars.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed · {0} to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not made yet · nothing to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not measured</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>With Fovea</source>
   <extracomment>Models that come with the program.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Yours</source>
   <extracomment>Models that the user made or brought in.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} · {1}×{1} colour</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CardTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Model card</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Cards</name>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>5,216 training images of children aged one to five, Guangzhou Women and Children's Medical Center; about three in four show pneumonia (bacterial or viral).</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): population.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>50,000 training images from the '80 million tiny images' collection, labelled by students.</source>
   <extracomment>Everyday things (CIFAR-10): population.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>60,000 training images by about 500 writers (employees of the US Census Bureau and high-school students).</source>
   <extracomment>Handwritten digits: population.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>A 1 with a long upstroke, leaning or turned, resembles a 7 and may be read as one; in a check of pens, papers and fonts all 1,240 drawn and printed digits were right, but other hands draw others.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>A fifth of VGG16's size and more accurate; looks at 299×299 pixels.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>A score is no guarantee: look at the prepared 28×28 picture when the answer surprises.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Any picture gets a score, even one that is no X-ray, such as the drawn phantom that comes with Fovea (0.50 for pneumonia); a plain grey ramp scores 0.996. Both are flagged as not of its kind.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Anything else is still given one of the ten names.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Backgrounds mislead: blue sky speaks for an airplane, water for a ship, green for a deer or frog.</source>
   <extracomment>Everyday things (CIFAR-10): known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Be used in patient care of any kind.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): must not.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Be used where a wrong answer harms anybody, such as traffic or surveillance.</source>
   <extracomment>Everyday things (CIFAR-10): must not.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Burnt-in letters, borders and tubes may sway the score. They alone do not give the label away: with the lungs covered the area under ROC on the test split is 0.41, no better than guessing.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Cats and dogs are mistaken for each other by far most often (155 of 2,000 test images); deer and birds, cats and frogs, automobiles and trucks follow with about 50 to 55 each.</source>
   <extracomment>Everyday things (CIFAR-10): known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Chest X-ray: signs of pneumonia (research)</source>
   <extracomment>The name of a model.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Decide anything about people, health or safety.</source>
   <extracomment>VGG16 ImageNet: must not.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Diagnose, triage or treat anybody, or replace a physician's reading.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): must not.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Drawings, medical pictures, satellite pictures and pictures turned on their side are far from what it was trained on; it answers all the same.</source>
   <extracomment>VGG16 ImageNet: known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>EfficientNet V2 B0 ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Everyday photographs</source>
   <extracomment>A network's name.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Everyday photographs of one clear object; teaching; a baseline to compare other networks with.</source>
   <extracomment>VGG16 ImageNet: intended use.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Everyday photographs, larger</source>
   <extracomment>A network's name.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Everyday things (CIFAR-10)</source>
   <extracomment>The name of a model.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Everything that has ink is given a digit: letters and scribbles too.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Fifty layers with shortcuts; a usual base for new classifiers.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Gives frontal chest X-rays of small children a model score for signs of pneumonia. Research and education only; not a medical device.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Handwritten digits</source>
   <extracomment>The name of a model.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Healthy chests scored above the threshold (false positives) are the most frequent mistake: 21 of 234 on the test split, against 13 of 390 pneumonias missed; on validation it was the other way about: 1 of 162 healthy chests, and 33 of 467 pneumonias missed.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Inception V3 ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>It knows 1,000 classes, 118 of them breeds of dog, and answers with one of them whatever the picture shows: there is no class for 'something else'.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its authors report that the right class is missing from the first five in 7.5 % of the validation pictures and 7.4 % of the test pictures of the challenge, looking at each picture densely and at several scales. Fovea looks once, at the middle of the picture, so expect more misses: about one in ten. Fovea has not measured it.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its scores are model scores: nobody has checked here how often a score of 0.9 is right.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its weights do not come with Fovea: until they are installed it is described here and does not answer.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Learned from one hospital, one population and one labelling: scores do not carry over to adults, other hospitals, other machines or views from the side.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>MobileNet V3 Small ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>On the test images 4 and 9, 2 and 7, 1 and 7, 3 and 5 are mistaken for each other most often (4 images each of 10,000).</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>One digit a picture in Classify: several digits are read as one shape. The drawing pad finds digits side by side, but not digits that touch.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>One digit at a time, dark ink on light paper or light on dark, of any size and place in the picture; learning and demonstration.</source>
   <extracomment>Handwritten digits: intended use.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Photographs found on the web before 2012, mostly from Europe and North America, labelled by crowd workers.</source>
   <extracomment>VGG16 ImageNet: population.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Photos from today's cameras differ from the web pictures of 2006 that it learned from; expect more mistakes than on the test set.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Photos that show one of the ten things, large and near the middle; learning and demonstration.</source>
   <extracomment>Everyday things (CIFAR-10): intended use.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Printed lines of ruled and squared paper are left out; boxes, forms and pictures around a digit may be taken for ink.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Read cheques, forms or meters without a person checking every digit.</source>
   <extracomment>Handwritten digits: must not.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Reads one handwritten digit, 0 to 9, from a drawing, scan or photo.</source>
   <extracomment>Handwritten digits: summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>ResNet50 V2 ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Research and education only; not a medical device. The output is a model score, not a diagnosis.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): notice.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Research and education: to learn how such models work, and where they fail, on frontal chest X-rays of children aged one to five. The output is a model score, not a diagnosis.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): intended use.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Rotated, cropped, inverted or badly exposed images, and images of other body parts, get scores without meaning.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Sixteen layers, large and simple: the network that many papers compare with.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Small and quick: made for telephones, and a good start for a classifier of your own.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Some classes overlap or are hard to tell apart even for people: 'sunglass' and 'sunglasses', 'screen' and 'monitor', 'projectile' and 'missile', related breeds.</source>
   <extracomment>VGG16 ImageNet: known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Sorts a photo into ten everyday things: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.</source>
   <extracomment>Everyday things (CIFAR-10): summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Strokes with wide gaps may lose a part when the digit is cropped.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>The 16-layer network of the Visual Geometry Group, Oxford (configuration D of Simonyan and Zisserman, 2015), for the 1,000 classes of the ImageNet challenge of 2012.</source>
   <extracomment>VGG16 ImageNet: summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The best answers for its size in this list.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The convolutions of VGG16 alone, a ninth of its size: it names nothing, but a new classifier can be built upon it.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>The images are stretched to a square and reduced to 224×224 pixels: fine signs are lost.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>The middle square of the picture is scaled to 32×32 pixels: small or off-centre things are lost.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>The picture is scaled until its shorter side has 256 pixels and the middle 224×224 is used: what lies outside is not seen.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 68.1 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 71.3 % right first answers and 90.1 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 75.1 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 76.0 % right first answers and 93.0 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 77.6 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 77.9 % right first answers and 93.7 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 78.7 % right first answers and 94.3 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>The threshold was chosen on children that training never saw, from the same source as the training images; on the separate test split fewer healthy chests, and more pneumonias, are recognised than there.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Trained and tested on JPEG copies (quality 75, 4:2:0) of CIFAR-10; figures are for these copies.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Trained on digits written in the United States around 1990, some of them redrawn in training with the long upstroke of a 1 and the bar of a 7 that Europeans write.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Two answers only: other diseases, devices or a healthy chest of an older person still get one of them.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>VGG16 ImageNet</source>
   <extracomment>The name of a model.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>VGG16 without its top</source>
   <extracomment>A network's name.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>What is in this photo? Knows 1,000 things: animals, vehicles, food, tools, buildings.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>What is in this photo? The same 1,000 things, looked at more closely: more often right, slower.</source>
   <extracomment>A network's summary.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>sensitivity and specificity alike on 3 copies of the validation split, augmented as in training (629 pictures; training saw none of their persons)</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): why this threshold.</extracomment>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CautionStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Caution</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Caution: {text}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Choosing</name>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Class names matched as you said.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Open the result of {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Reading…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>The class names fit the model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>{0} images found…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>{0} of {1} class names are not labels of this model. Say which label each means.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ClassList</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ClassesModel</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>{0}: {1} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>{0}: {1} pictures, key {2}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ClassesPane</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Key</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Merge into</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of a new class; Enter makes it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>New class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Remove the class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Rename…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Show its pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Type what there is to tell apart, one class after the other: ‘cat’, Enter, ‘dog’, Enter.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ClassesTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Answers</source>
   <extracomment>How often a class was given as the answer.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Figures of each class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>In brackets: 95 % intervals. Recall is also called sensitivity. FPR: share of false alarms; FNR: share of misses. A class enters a mean only where it has the figure. Enter shows a class's mistakes.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Macro mean (each class alike)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Means over the classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Weighted mean (by images)</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ClassifyView</name>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Looking for images…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>The model for everyday photographs is ready: choose it in the list of models.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>{0} images found…</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CloseQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Close Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Discard</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Do not close</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on at the next start</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on at the next start: the checkpoint is kept and Fovea closes now.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Stop after this epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Stop after this epoch: Fovea closes when the best model so far is in the store.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Trainings are still running: {0}. What should happen to them?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Waiting trainings stay in the queue: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>“{0}” is still training. What should happen to it?</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CompareTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Compare</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Compare with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Difference in accuracy, first minus second: {0}. Both right: {1}. Both wrong: {2}. All figures here are of the {3} pictures that both answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Figure (95 % interval)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Figures of both models</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Match class names…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>No other model that is ready answers these classes.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>On the pictures that both answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only the first is right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only the second is right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only this model is right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only {0} is right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only {0} is right: {1} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The model to compare with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The pictures are not at hand: open their folder again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The second model answers the same pictures; a kept result of it is used at once.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>{0} (classes to be matched)</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ConfidencePanel</name>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>A smaller share gives longer lists.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Allowed to be wrong in</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Familiar kind of picture: no.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Familiar kind of picture: yes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Hide why</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the answer is right is not known for pictures of another kind.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the list may leave out the right answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Most right answers score higher than this one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>No answer can be ruled out: {0} validation pictures are too few for so small an error.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Possible answers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Possible answers: {0}. Of a hundred pictures like those it learned from, what is listed here holds the right answer for at least {1}; of this one picture that says nothing.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Show where in the picture the network found its answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>This model cannot check whether a kind of picture is familiar to it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Why this kind of picture is unfamiliar to the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Why?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} of 100 cases</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} or {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} or {1} more</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CopiesDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Close</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Copies count once when Fovea checks how good it is. Here they can leave the project; the sharpest of each group stays. Files are not touched, and Undo brings everything back.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Find Copies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Keep the sharpest of each, remove {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Looking…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>No copies among the pictures that were looked at.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Show</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>near copies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>taken in one go</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>the same</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>{0} groups</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>{0} groups; the first 200 are shown.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CrashOffer</name>
  <message>
   <location filename="../../desktop/ui/shell/crash_offer.py" />
   <source>Show the report</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/crash_offer.py" />
   <source>Something went wrong in Fovea last time. A report lies on this computer; nothing was sent.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CrashReportDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Copy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Delete the report</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Error Report</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Error report</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>The report is no longer there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>This is all that was noted down: which kind of error, and where in the program. It holds no file names, no pictures and nothing about you, and it stays on this computer. If you want to help, copy it and add it to a report of your own.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CurveExports</name>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Save the Curves</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves of {0} of {1} runs were saved as {2}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves of {0} of {1} runs were saved as {2}. A table takes all of them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves were not saved: {0}. Choose another folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves were saved as {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>There is no finished epoch to save yet.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CurvePlot</name>
  <message>
   <location filename="../../desktop/ui/widgets/plot.py" />
   <source>Plots cannot be drawn here ({0}). The figures stand in the table.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/plot.py" />
   <source>The plot is being prepared…</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CurvesPane</name>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>By batch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>By epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Epoch (batches within)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Figures by epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Learning rate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>The curve begins with the first batches.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Time</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Validation accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>best epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>validation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>{0} after epoch {1}: training {2}, validation {3}. The table has every epoch.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>{0} – best</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>CurvesTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>% (95 % interval)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>1 − specificity</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>At this threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Figures at this threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>NPV where {0} % are positive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>PPV where {0} % are positive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Pictures of both classes are needed for a curve.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Precision and recall</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>ROC curve</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Share of positives where the model is to be used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>The curves as a table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Where this share is positive (prevalence):</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>chosen by hand on this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>precision (PPV)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>recall (sensitivity)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>sensitivity for '{0}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>threshold {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>DataTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Class names: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Data: {0} · {1} images answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Evaluated: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Fingerprint: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Model: {0}, version {1} · {2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Nothing was odd; every image was answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Problems of the data and files without an answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Several pictures of one count together in the intervals.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>The data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>The names speak of {0} people or cases.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>What was odd, and files without an answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>• and {0} more</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Detail</name>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Duplicate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Rename…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Show folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Verify files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Card</source>
   <extracomment>A model's card: the page that says what it is for and how good it is ('model card').</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Choose a model on the left.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Classify with it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Curves</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>D&amp;elete</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Evaluation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Export…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Install…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Layers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>More</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>What is known of the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>version {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>DrawView</name>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Draw</source>
   <extracomment>A view of the window: draw digits by hand. An imperative, or a noun as a tab has it.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Draw a digit here, with mouse, pen or finger: any size, any place, several in a row</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Drop a picture to put it below the strokes, or a drawing (JSON)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>Export the Drawing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Images ({0})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No ink was found.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No ink was found: there is nothing to keep.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No installed model reads drawings. Train one on pictures of digits, or install one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Picture Below the Strokes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Reading…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Starting the engine…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>The answer appears here while you draw.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>The drawing was not written: {0}. Choose another folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>The strokes were written, without the picture below them: export a PNG to keep both.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>drawing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>DrawingCanvas</name>
  <message>
   <location filename="../../desktop/ui/draw/canvas.py" />
   <source>Sheet of paper to draw on</source>
   <extracomment>Name of the drawing area for screen readers.</extracomment>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>DrawingHistory</name>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Draw on: {0}</source>
   <extracomment>Button below an earlier drawing: take it up again and go on drawing; {0} is what was read.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Each sheet and what was read on it is kept here until Fovea is closed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Earlier drawings and their answers</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>DropOverlay</name>
  <message>
   <location filename="../../desktop/ui/widgets/drop_overlay.py" />
   <source>Drop to open</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>EditionNote</name>
  <message>
   <location filename="../../desktop/ui/train/edition_note.py" />
   <source>Note</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/edition_note.py" />
   <source>This edition of Fovea classifies, draws and evaluates; it does not train. To train, install the full edition in its place: your models, runs and settings stay.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>EmptyFrame</name>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open the folder {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>EmptyJobs</name>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Earlier runs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>New training…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Or start from a plan file…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Teach Fovea your own classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>You need a folder that holds one folder of example images for each class. Training runs in the background while you go on working, and can be paused, stopped and taken up again. Nothing leaves this computer; your files are never changed.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>EmptyPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>How good is a model on your pictures?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open a folder that holds one folder for each class. Fovea answers every picture and shows where the model fails. Nothing leaves this computer; your files are never changed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open labelled folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Or a data file (.npz, MNIST's IDX)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Recent labelled folders</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>EmptyState</name>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Drop images or folders here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>No images yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open a folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open images…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Photos, scans, drawings and DICOM files, one or thousands. {0} pastes what you have copied. Nothing leaves this computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Recent folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Try a sample</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ErrorPanel</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Copy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Details</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Details of the failure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Failure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Hide details</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Kind: {kind}</source>
   <extracomment>Details of an error: its stable name, such as 'too-large'.</extracomment>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Evaluate</name>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Labelled pictures ({0})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Open a File of Labelled Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Open a Labelled Folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>model score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>n = {0}: too few for a figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>probability</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} h {1} min</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} min</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} of {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} to {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0}, n = {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0}, split {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>{0}, validation pictures</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>EvaluateView</name>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>An evaluation is running. Cancel it, then open other data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>Drop a labelled folder to evaluate a model on it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>The evaluation was stopped before a picture was answered; nothing was kept.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>The evaluation was stopped; nothing of it was kept.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>{0} on {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>EvaluationTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>95 % interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Evaluate on pictures of your own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>F1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures by class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures of the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Measured on: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Nobody has measured this model in Fovea. A folder of labelled pictures is enough to do so.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Precision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Recall</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>n</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} to {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Exchange</name>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>A table (CSV)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>A table of names and labels (CSV)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>COCO (JSON)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders, copied…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders, linked (take no room)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Drawings kept in Draw</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Class Folders into a New Folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Labels as COCO</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Labels as a Table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import Class Folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import a Table of Labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Importing drawings…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Importing labels…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Looking for pictures that were moved…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>No picture is missing.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>None yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Tables (*.csv *.tsv *.txt)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>What was judged in Evaluate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Where May the Pictures Lie Now?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Writing class folders…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Writing…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} files hold another picture now: they are not learned from until you label them again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} had their label already</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} labels were taken over</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} labels were written.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures are new</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures could not be read ({1}: {2}).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were found again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were found again; {1} are still missing.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were written into class folders.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} rows contradict others: those pictures have no label.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} rows name pictures that are not there ({1} …).</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ExportDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1 (divided by 255)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 255, as they are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Beside it lies a certificate that says how far its answers are from the model's own. It names no picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Choose…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Compare on a folder of yours, too</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Export {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Export…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It was imported as .tflite and has no Keras form.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Only the pictures drawn by Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pictures to compare on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The checksums travel with it: the other Fovea compares every file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pictures got their size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pixels were given</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>what its outputs are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>−1 to 1</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Exports</name>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>All figures with their intervals, for programs.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Complete, for another Fovea (.zip)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Copying {0} pictures…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Figures (JSON)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>HTML report…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>Keras (.keras)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>LiteRT (.tflite)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Not saved: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>ONNX (.onnx)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>One file for any browser: figures, curves, mistakes, limits.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>One line for every picture: truth, answer, scores.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>PDF report…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Picture (*.png)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Picture of both plots (*.png)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Predictions (CSV)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Save as {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Save the List</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Saved: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Saving the list…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Something is still being written. Try again in a moment.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Strokes, to draw on later (*.json)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Table (*.csv)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>The same on pages, to print or to file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Training plan (*.json)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Where Should the New Folder Be?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Writing {0}…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>evaluation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>everything, with its card and checksums</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>for ONNX Runtime and many other programs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>for telephones and small computers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>to train on, or to use in Python</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>{0} – selected pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>{0}: {1} pictures could not be copied.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FactsStrip</name>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Device</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Facts of the training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Learning rate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Memory</source>
   <extracomment>The computer's memory in use.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Speed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Time left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>{0} images/s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>{0} to learn from, {1} to check</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FigureCard</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>95 % interval {0}, from {1} images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0}; several images of one person or case count together</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FilesTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>All are what they were when the model was made.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Compare every file with its checksum</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>File</source>
   <extracomment>The window (range of grey values) that the DICOM file itself names.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Not as they were: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>SHA-256</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Show folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>There are no files of it on this computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Verify</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>not yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} files, {1}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✓ unchanged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ changed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ unreadable</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FilterSheet</name>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>Filter {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>Filters of the first layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>{0} filters of {1} × {2} pixels; grey is a weight of 0</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FindingCard</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Caution</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Keep one of each</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Keep them all</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Leave them out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Must be mended</source>
   <extracomment>A finding that stops the training until it is corrected.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Note</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>What to do about it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>and {0} more</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FindingsPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source> · {0} left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>A classifier needs pictures of two classes or more, each in a folder of its own.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Begins the training at once; everything else stays as recommended</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Broken pictures are then found, and left out, when the training begins</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every class needs a picture to learn from; leave out the classes that have none.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every class needs two pictures or more: one to learn from and one to check with.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every picture is opened once, before a training could stumble over it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Findings</source>
   <extracomment>A page of the wizard: what was found while looking through the pictures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Look at the recommended settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Looking for copies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Looking for pictures of one person</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Opening the pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Pictures of each class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Reading the folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Skip the look</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Skips to the last page; everything between stays as recommended</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Start with the recommended settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>There are no pictures yet.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>This has to be mended before a training can start; change the folder, then look again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Too few pictures of {0} stay with what is left out below; keep some of them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>What Fovea found in it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>all {0}×{1} pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>nothing odd: every picture opens, and none is there twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>splits: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0} and {1} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0}: {1} pictures in {2} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0}×{1} to {2}×{3} pixels, median {4}×{5}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FirstModelsBar</name>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source> and </source>
   <extracomment>Between two names.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>'{0}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>Cancelled. 'Everyday photographs' can be made at any time under Models, with Install.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>Making '{0}' from what was installed: once, in about a minute. Until then Classify works with {1}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>The model for everyday photographs is not there: {0} {1} Everything else works without it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>the other models</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>FolderPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>A folder that holds one folder of pictures for each class, for instance 'cats' and 'dogs'; or pictures with a table of their labels, or with labels in their names. Your files are only read, never changed, and nothing leaves this computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Drawings that you named and kept in the Draw view</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Drop a folder here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>My drawings ({0})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open a folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open another folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open the labelled folder {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Or a file: an archive, a table of labels, a data file (.npz, MNIST's IDX)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Reading…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Recent labelled folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Which pictures should it learn from?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures found…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures in {1} classes</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Fovea</name>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>
Addresses and hashes are from {source}, sizes from public logs of downloads. Fovea's authors have not downloaded the files: the first one that passes on this computer is remembered by its SHA-256. What a package carries is compared with the SHA-256 that Fovea's authors computed, and needs no connection.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>
Does it work here? {sentence}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>
The intervals rest on the {persons:,} people or cases that the names tell of.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>
no model here can answer; 'fovea models list' says why</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>
pictures of the window:</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source> and the name of the data's folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source> and {count:,} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source> and {count} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source> and {count} more classes with {sum} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source> and {step} batches</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source> of '{module}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source> of the package {distribution} {version}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source> of {total:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>'evaluation.json' cannot be read: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>'fovea --help' lists the commands.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>'fovea COMMAND --help' tells more. FOVEA_HOME=FOLDER moves all of Fovea's own files there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'fovea data inspect' says what is.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>'fovea data inspect' says why.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>'fovea data inspect' tells more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>'fovea licences' lists them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea predict --model {model_id} PICTURE' asks it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea runs list' shows the runs there are.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea train --resume {name}' takes it up</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea train --resume {own}' takes it up; for a new one name another folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'fovea train --resume {run}' makes its model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'mnist.npz' was not found</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>'{a}' alone is right on {only_a:,} images, '{b}' alone on {only_b:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>'{a}' and '{b}' are right and wrong on the same images.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/saliency.py" />
   <source>'{file}' describes no end of a network: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>'{file}' does not fit its network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/first_layer.py" />
   <source>'{file}' holds no filters: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/domain.py" />
   <source>'{file}' is no domain gate: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>'{file}' of model '{id}' does not fit its network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>'{given}' begins {count} runs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{id}' comes as a package ({distribution}), not from an address</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{id}' is not in the trash</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>'{id}' names no classes that could be learned further</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{key}' cannot be set this way</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>'{key}' cannot be varied: each trial would be checked with other pictures, and none could be compared</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{key}' is no setting</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>'{label}' where its score is at least {threshold:.6g}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>'{layout}' is no layout: expected folders, table… or names…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>'{layout}' is no pattern</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>'{layout}' is no table layout</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'{layout}' labels none of the {count:,} pictures in '{title}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{left}' belongs to no layer of {name}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>'{name}' cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>'{name}' cannot be read as a drawing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' cannot be trained on: it has no {keras_file}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' could not be unpacked: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' declares {size:.1f} GiB</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/explaining.py" />
   <source>'{name}' does not end in pooling and one dense layer; it has no class activation map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>'{name}' does not give what its stages know</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>'{name}' gives scores alone, nothing that another classifier could build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>'{name}' has no Keras form: it was imported as .tflite</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>'{name}' has no Keras network to ask for gradients</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' has the shape {shape}; {tuple} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>'{name}' has {size:,} bytes, at most {most_bytes:,} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' has {size:.1f} GiB; at most 1 GiB is opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>'{name}' has {size} bytes, {size2} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' holds more than the {most:,} bytes expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'{name}' holds more than {most:,} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' holds more than {most_files:,} files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' holds no numbers of 32 bits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' holds {found}; {expected}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>'{name}' in the archive does not match its checksum</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' in the archive is damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'{name}' is a Parquet file{what}, which Fovea does not read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is a pickle that carries code ('{error}'); it was not run</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is cut off: {count:,} of {size:,} bytes are there</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is damaged or cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is damaged or no .npz of plain arrays ({name2})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is damaged or no CIFAR batch ({name2})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{name}' is in the trash; 'fovea models restore {quote}' takes it back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>'{name}' is larger than {most_bytes} MB</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is no CIFAR batch: expected 'data' (n, {pixels}) and 'labels'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is no IDX file of bytes with {dimensions} dimensions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is no list of labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_results.py" />
   <source>'{name}' is no name for a search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is no text in UTF-8</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>'{name}' is not described</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' is there in version {version}; the plan begins from version {version2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is too large for a list of labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>'{name}' names no classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>'{name}' names no report format</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>'{name}' names no {what}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs 'flatten', 'gap' or 'gmp' before it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs a picture, but a layer before it has flattened it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs at least {size} pixels a side and gets {shape}×{shape2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>'{name}' of this run cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' takes colour pictures; the plan prepares grey ones</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' takes pictures of {size}; the plan prepares {size2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' unpacks to more than {most_bytes} GB</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' unpacks to more than {ratio} times its size: pictures do not</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' would unpack to {file_size:,} bytes from {compress_size:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}': {count} labels for {count2} pictures, or odd ones</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}': {shape} channels do not divide into {groups} groups</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>'{pair}' is no KEY=VALUE</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>'{pair}' is no mapping</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>'{positive}' from a score of {value:.6g} on, else '{other}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>'{prog} --help' shows the usage.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>'{recipe}' begins from a model, and none is named</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>'{run_id}' is no run</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{scaling}' is for colour pictures; this network takes grey ones.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{solved}' cannot train a whole network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{solved}' solves a head without layers of its own, on the features of a model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>'{text}' are no numbers of pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{text}' is no range</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{text}' names no values</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' cannot be read ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' does not give what its stages know</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' has a label {max}, but names only {count} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>'{title}' has no class {missing}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no embedding that a new last layer could build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no layer '{layer}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>'{title}' has no split '{wanted}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no {name}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>'{title}' has the splits {listing}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds Python objects, which may carry code</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>'{title}' holds no class folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds no pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'{title}' holds no pictures of its '{split}' split</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>'{title}' holds no pictures to learn from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>'{title}' holds pictures but no class folders with pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds {count:,} arrays; at most {max_entries} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' is cut off</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{title}' is far larger than a CIFAR batch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is no labelled data that Fovea knows</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is no table that names pictures beside it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is not there</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'{title}' was not found</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}': a label {most} was found; at most {max_classes} is expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>'{twice}' is there twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{twice}' is varied twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>'{where}{name}' has no settings below it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>'{where}{name}' is a group of settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>(this package brings no text of its licence)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>, the first of {count}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--input-size {input_size}: expected WxH</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>--lang LANGUAGE (or FOVEA_LANG) names a language: {languages}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>--out would overwrite the picture itself</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--pictures is no folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--sha256 takes 64 hexadecimal digits and goes with --from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>.8497 (the author's split)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>0 to 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>0 to 1 (default: {opacity})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>0 to 1, then ImageNet's means subtracted and divided by its deviations (PyTorch's habit)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>1 − specificity</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/deep_png.py" />
   <source>16-bit, windowed {describe}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>63.87 % colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>66.4 % test</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>7.4 to 7.5 % top-5 error with its published weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>70.4 %, augmented 72 %</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>93.57 % test</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>95 % interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>95 % interval {bounds}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>95 %: {bounds}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>96.16 %: 32 units, dropout .1, Adam</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>96.68 % at 5,900 pictures, 72.44 % at 300 (a dense net: 85.56 and 48.26 %)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>97.87 % test</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>99.06 to 99.20 %</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>; it was started again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>; the model's own is {value:.3g}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>; {count} were given</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>&lt;!DOCTYPE html&gt;
&lt;html lang="$lang" dir="$dir"&gt;&lt;head&gt;&lt;meta charset="utf-8"&gt;
&lt;meta name="viewport" content="width=device-width, initial-scale=1"&gt;
&lt;meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"&gt;
&lt;title&gt;$title&lt;/title&gt;&lt;style&gt;$css&lt;/style&gt;&lt;/head&gt;&lt;body&gt;&lt;main&gt;
$body
&lt;/main&gt;&lt;/body&gt;&lt;/html&gt;
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>A checksum of the PNG is wrong.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>A figure without a value cannot be told from this data; the reason stands in its place.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>A folder is searched through all levels; hidden files are passed over. Answers come in the order of the pictures.

With --json every picture gives one object on a line of its own:
  path, model, label, index, probability, top (list of label, probability), notices (list of texts),
  elapsed_ms (decode, prepare, predict), prepared_sha256, in_domain (whether the picture is of the kind that the
  model was trained on; null where the model cannot tell), domain_score (0 is the middle of its own pictures, above 1
  is not its kind), domain_reasons (why not, in codes; "unlike" where no more is known), answer_set (labels to reckon
  with at the error rate error_rate; null where the model was not calibrated for that, and for pictures that are not its
  kind), general (the more general word, of a model that knows words), digits (label, probability of each digit, of a
  picture that holds several), suits (the model at hand that would suit a picture of another kind, or null), notice (of
  medical models)
  - or, where it failed, path and error (kind, message).
Of a hundred pictures like those the model learned from, answer sets hold the right label for at least
100 x (1 - error_rate); of a single picture, and of pictures of another kind, that says nothing.
'label' follows the model's decision rule, which need not be the highest score; 'probability' is the score of 'label'.

exit status: 0 every picture was answered; 1 some failed, none was found, or the model is not installed or damaged;
2 wrong usage, an unknown model among it; 130 stopped by Ctrl-C (what was printed until then holds).
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>A frame of the GIF has no pixels.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>A frame of the PNG's animation lies outside its picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>A kept evaluation is damaged and not listed: '{name}'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>A lookup table in the DICOM's header contradicts its description.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>A model of another Fovea comes whole: export it there as one .zip.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>A network that asks you to log in does that: open a browser, log in, try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>A newer Fovea may read it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/inspecting.py" />
   <source>A picture or the lack of memory may have ended it: try a part of the data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>A piece of the TIFF's picture is not of the size declared.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>A small residual net, quick on a CPU, for photos and scans of any kind: the one to begin with.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>A threshold that was chosen on this very data would make its figures look too good.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>A training is kept as a run: its plan, which pictures were on which side, its curves, and a checkpoint of every epoch
('fovea runs list'). --resume takes it up exactly where it stopped, also after a crash. Ctrl-C once: stop after this
batch, with a checkpoint; twice: stop now (the last checkpoint is kept).

examples:
  fovea train --data photos --name "My pets"
  fovea train --preset mnist-lenet --name digits --epochs 5
  fovea train --data photos --from cifar10 --how features --name pets
  fovea train --data photos --architecture C32k3s,P2,flatten,D128 --size 64 --set optimizer.rate=0.002 --name small
  fovea train --resume last

With --json every event is one JSON object a line ("event": started, phase, batch-done, epoch-done, note, checkpointed,
finished); the run and the model's figures come as "event": "run" and "model".

exit status: 0 the model is in the store; 1 it failed; 2 wrong usage or a bad plan; 130 stopped by Ctrl-C
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>About the data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>About the model: intended use and limits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Accuracy against share answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Accuracy where the least sure images are left to a person:</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching.py" />
   <source>Add it again from where it is now.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>Add other pictures of each class, or pictures to check with in a folder 'val'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>Add pictures of it to those to learn from, or leave the class out.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Add pictures, or start from a model that has learnt.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>AlexNet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>All of this is of the {count:,} images that both answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>All, by the score that the truth got.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Answers</source>
   <extracomment>How often a class was given as the answer.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>Are its outputs probabilities, or raw values (logits)?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>At least {fewest} of each are needed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Be the only ground for a decision that can harm anybody.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Begin it again whenever you like; nothing was kept.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Both ends must be numbers.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Both ends of a range of whole numbers must be whole numbers.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Bright areas point towards '{labels}' ({how}, model {id})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>CAUTION: {unanswered}
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>CIFAR-10</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>CMYK without a usable colour profile, converted to sRGB approximately</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Calibration</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Cats and dogs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Change it in the plan's file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Change its permissions or copy it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Check --storage, or give the search another --name.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Check it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Check some labels, too.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/study.py" />
   <source>Check that it is there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Check that it was not moved or its drive removed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>Check the disk, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>Check the drive and the folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Check the drive or the connection, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Check the path.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>Check this installation: models, engine, window.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Chest X-rays: strided convolutions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>Choose 'covering parts' (occlusion).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Choose a .keras, .h5, .tflite or .zip file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Choose a file that ends in .h5 or .weights.h5.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>Choose a name that says what the model tells apart.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Choose a new folder: nothing is written over.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Choose another file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>Choose another folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>Choose another model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>Choose another name.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Choose another one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>Choose another place.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>Choose another start.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Choose frame 1 to {frames}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/explaining.py" />
   <source>Choose gradients (grad-cam) or occlusion.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Choose larger pictures or fewer layers.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>Choose occlusion.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Choose one of the questions, and give its answers as labels.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Choose one with --split.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>Choose smaller pictures, a smaller network or a smaller batch.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Classes → labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Classes: {known}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>Classify a few samples with every model, and draw the window.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>Classify pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Classifying and evaluating need none of it; the full edition has Keras and TensorFlow.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>Close it there, or choose another place.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Close other programs first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Close other programs or scale it down first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>Close other programs or use a smaller picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>Close other programs, or use a smaller batch or smaller pictures, then go on from the checkpoint.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>Close other programs, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>Columns there: {there}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>Commands: {available}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Compared on the same images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Computed on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Confusion matrix</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>Convert it again with a fixed size.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>Convert it again with built-in operations alone.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>Copy it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>Copy or download it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Copy or export it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Copy or export the file again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Copy them again from where they came, or go on without them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Count, open and compare labelled pictures; say what is there and what is wrong with it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Curves and threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>DATA is a folder with one folder for each class (also below train, val and test), an archive of one, an .npz file, IDX
files, or CIFAR's python batches. Nothing in it is changed, and what is printed names no folder of this computer.

exit status: 0 a model can be trained on it; 1 not as it is (the text says why), or it cannot be read; 2 wrong usage
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>DATA is a folder with one folder for each class (with or without train, val, test folders above them), an .npz file in
Keras' layout, MNIST's IDX files, or CIFAR-10's python batches. Without --split the split 'test' is taken where there
is one. Class names that are not the model's labels are mapped with --map; nothing is guessed, but names that differ in
upper and lower case only are taken for the same and the fact is told.

exit status: 0 every picture was answered; 1 some were not (they are listed and never counted), or the model or the
data cannot be used; 2 wrong usage, an unknown model or class mapping among it; 130 stopped by Ctrl-C (what was
answered by then is kept as an incomplete result, which Evaluate in the window opens).
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Data fingerprint</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Delete it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Delete or move that one first, then undo.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Dense 100 on small grey letters that Fovea draws and shears.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Develop it in a photo program and save it as TIFF or JPEG.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Difference in accuracy: {difference}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits from few pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: LeNet-5 of 1998</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: a LeNet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: dense 128 and 60</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: one point of the grid</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: two convolutions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: two small dense layers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Does it work here?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>Draw the window into a PNG file, without a display.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Draw where in a picture a model found its answer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Duplicate it and change the copy.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>ECE: top score against share right, 15 bins of equal width.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Each group stays on one side of the split.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Each group stays on one side of the split: a frame says little of a network that learnt from the next one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Each net is trained anew on each number of pictures, drawn in the classes' proportions, --repeats times with other
draws and other first weights; all are checked with the same validation pictures, or with --test on the data's own test
split. What was measured is kept: the same command goes on where it stopped. More pictures than there are to learn from
are refused before the first training.

example:
  fovea study small-data --preset mnist-lenet --against mnist-mlp-32 --images 300,1000,3000 --repeats 3 --epochs 4
      --name digits --plot digits.png

exit status: 0 all is measured; 1 it failed; 2 wrong usage or a bad plan; 130 stopped by Ctrl-C
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Evaluate both models on the same pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Evaluation of '{model}' on '{data}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>Expected 0 to 1.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>Expected JSON with "kind": "{kind}".</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>Expected for instance names:{label}_#.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Expected: '{stem}'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>Expected: a folder for each class, named after it, with that class's pictures inside.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Expected: a row for each picture, file first, label second.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Expected: file first, label second.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>Expected: table:FILE:NAMES:LABELS.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it again from where it came.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it again, uncompressed if possible.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>Export it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>Export it as .tflite.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Export it as RGB.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it uncompressed (Explicit VR Little Endian).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Export it uncompressed and smaller.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Features of VGG16</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Fetch or copy it again, or export it again where it was made.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Fetch or copy it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Figures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Figures measured on such a split promise too much, unless each split numbers its people anew.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Figures measured on such a split promise too much.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>First a new head alone, then its last layers too, slowly.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 128, dropout, dense 60; 30 % for validation.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 32, dense 32.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 32, dropout; the search varies it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>For example https://example.org/fovea/latest.json</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>For instance: C32k3s, P2, D128.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Four convolutions with normalisation and dropout on small grey pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>Fovea ended</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>Fovea was closed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>Fovea {version}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Fovea's small residual net</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Frame {frame} was asked for; the file has {have}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Frame {index} is not in the DICOM's pixel data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Free some space, or move Fovea's files with FOVEA_HOME.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>Free some space, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Free some space, then try again: what was said before is kept.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>Free some space, use fewer or smaller pictures, or move Fovea's files with FOVEA_HOME.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>From a score of</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>Get the data from its publisher again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>Get the weights from their publisher again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Give --data DATA.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Give --images up to {there}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Give --repeats 1 or more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>Give a folder with one folder for each class, an archive of one, an .npz file, IDX files, CIFAR-10's python batches, or a folder of pictures with a table of their labels.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Give another --name, or the options that this one was begun with.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Give each setting once.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Give settings to vary and one trial or more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>Give the folder with --data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Give the values to try: --vary KEY=a|b|c.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>Go on from the last checkpoint.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>Hand the project on again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the area under the ROC curve is {local}; {card} says {value:.3f} ({low:.3f} to {high:.3f}) on {n:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the area under the ROC curve is {local}; {card} says {value:.3f} without an interval.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local} and {listed}; {few} or more images are needed for an answer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {card} names none to compare with.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {listed}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {listed}: {numbers}, so this may be the data that the card was made on. Then it tells nothing about other pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>How accuracy grows with the number of pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>How is a picture brought into its size: stretched, its middle cut out, or padded?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>How the figures were made</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>How were pixels scaled when it was trained? Wrong scaling gives wrong answers.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>ITU Lab colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>If colour goes with one class only, the network may learn that instead of the subject.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>If several pictures show the same person or thing, some may lie on both sides of the split.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>ImageNet's pictures were handed out for non-commercial research and education, under the terms of image-net.org. None of them comes with Fovea. Whether those terms reach a network that has learned from them is not settled: who uses it commercially should look into it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images without an answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Import or train it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Imported from a file of the kind {format}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>In a checkout of Fovea: pip install '.[onnx]'. Or export as .tflite or .keras.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>InceptionV3, fine-tuned</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Install Fovea again to restore it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>Install Fovea again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install Fovea with it: pip install '.[{extra}]' in its checkout</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Install it (pip install {package}), or export the file uncompressed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Install it first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Install it: pip install optuna.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Install that version, or ask for an export of the project.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install the expected one: pip install {wanted}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install the package again: pip install --force-reinstall --no-deps {wanted}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Install them under Models, or with 'fovea models install {id}', or choose another model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>Install them under Models, or with 'fovea models install {id}'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Intended use</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Intervals are 95 % intervals: Wilson's score interval for shares (F1 by way of the Jaccard index); DeLong's for areas under ROC curves (fast form of Sun and Xu, 2014; Newcombe's where all is right); variance recovery (Zou and Donner, 2008) for means over classes; bootstrap for the others. They take images as independent of each other: where several show the same person or thing, they are too narrow.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Is the address right?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Is there a network?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Is this column the one with the labels?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Is this computer connected?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It answers with one of its 1,000 classes whatever the picture shows: there is no class for 'something else'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>It can be deleted.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It has no answer sets and no check of the kind of picture: both would have to be fitted on ImageNet's pictures, which may not be handed on.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>It has no splits; leave the split out.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>It is damaged, or made to fill the memory.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>It is made to fill the disk.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>It is not the file that was published.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It is there to build a classifier of your own upon.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>It takes pictures of any size: which size was it trained with?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>It was left out; everything else goes on.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>It was not unpacked.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Its classes: {classes}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Its data are most likely damaged. {save_again}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Its labels: {labels}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>Its last checkpoint stays with the run.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Its layers: {known}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Its outputs are probabilities: say so, or leave it to the file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_rows.py" />
   <source>Its pictures are looked at again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>Its pictures have to lie in its folder or below, and another column has to name their classes.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Its publisher has to mend that.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Its scores are model scores: nobody has checked here how often a score of 0.9 is right.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Its training began from the model {parent}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>Its weights are kept in 16 bits, which changes scores by up to a few thousandths.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>Its weights do not come with Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>JPEG of the old style</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>JPEG of {precision} bits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF decoded; HEIF by libheif {libheif_version}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or DICOM</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>JSON instead of text</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>JSON lines instead of text; the last one is the result</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Judge some in Evaluate's gallery, then take them over.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Keras cannot build it: {words}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>Keras {version} on {backend}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Known are C32k3s, C32k3v/2, P2, A2, D128, flatten, gap, gmp, BN, drop.25, act:relu; see the documentation.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Known failures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>Known ones: {known}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Known: {activations}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>Known: {initialisers}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Lab colour of {bits} bits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>Label pictures, and let a head learn from the labels at once.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>Label some first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Label some more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Label some, then export.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Labels and preprocessing are what its user said on importing it; where they are wrong, its answers are.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Languages: {known}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/selftest.py" />
   <source>Layers that mix the pictures of a batch cannot be used; save the network without them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>Layers there: {names}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/transfer_plans.py" />
   <source>Layers there: {value}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Learnt from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Leave --size and --colour out.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Leave --test out: validation is measured then.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>Leave the threshold out.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Let the evaluation come to its end.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Letters of a captcha</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Limits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>List the components of this program with their licences.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Look among the deleted ones.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Look at the files, or the model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>Look at the folder and the disk it lies on, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>Look at the folder of Fovea's own data, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Look at the rights of Fovea's own data folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>Look for the file whose hash the catalogue names.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Look for the right file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Look through labelled pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>Look whether that is right, then confirm it: {ways}. Or sort the pictures into a folder for each class.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Look whether the drive is still connected, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>Lower the learning rate; {kept}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>MNIST</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>MONOCHROME1, inverted</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Make it first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>Make room and resume.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>Make room on the disk, or allow Fovea to write to its folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>Make room, or choose a later layer or one with a global pooling after it: it has fewer features.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Make the plan again to begin from the version that there is.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>Make the plan again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Map at least one class to a label.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Mean score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Measure a model on labelled pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Method</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Model file, SHA-256</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Models in the store: {known}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Most frequent confusions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Most frequent confusions:</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Must not be used for</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Name one label for each class.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Name one of its layers instead.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Names</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>Names of files are written as they are, with the folders inside the data and none above them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Negative predictive value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Negative predictive value (%)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Network: {credit} Weights as published {where}; licence: {licence}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>No mistake was made on the pictures it was checked with; that is no promise for others.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Nobody but you has checked this model: its figures come from {n} pictures of the {split} split of '{title}' and say nothing about other pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Nobody has measured it in Fovea: see 'Evaluate' with labelled pictures of your own.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Not opened.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Not stated: whoever imported it knows what it is for.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Nothing was installed. </source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Nothing was taken over.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Nothing was written.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Notice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>ONNX Runtime {version}</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/figures/result.py" />
   <source>Of these: {reason}.</source>
   <extracomment>Where the count is one, English says: This one: {reason}.</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>One JSON object: painted and answered, in seconds on the computer's steady clock, which a caller that notes the moment of the start can subtract from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>One convolution, dense 1024, dropout; three epochs.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>One convolution, pooling, dense 512.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>One label a line, or a JSON list of texts.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>One of the labels is wrong: correct the folders, or leave these pictures out.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>One row of the TIFF's tiles takes {row} MiB; expected at most {max_tile_row} MiB.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Open an image of the same examination.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>Open it in another program and save it again as PNG or JPEG.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Open it in another program and save it again, or copy it again from where it came.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Open it in another program and save it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Open one of its files.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Open one of the files that lie beside it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>Open the window offscreen with a picture; print when it was painted and when it was answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Opening the picture took more than {work_s:.0f} seconds of work and was given up.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Or fetch the file on another computer and install it from there: choose 'From a file', or --from FILE.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Or set augment.STEP.SETTING.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>PROJECT is a project's id or name, or a folder of pictures: its project is made when it is first named. Pictures stay
where they are and are never changed. Every label is on the disk before the command goes on.

examples:
  fovea teach create "My pets" photos
  fovea teach label my-pets labels.csv --folder photos
  fovea teach suggest my-pets --csv suggestions.csv
  fovea teach accept my-pets --at-least 0.98
  fovea teach make my-pets --name Pets
  fovea teach export my-pets sorted --link

exit status: 0 all well; 1 something failed (the text says what); 2 wrong usage; 130 stopped by Ctrl-C
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>People or cases</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Per class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Percent, with 95 % intervals. FPR = 100 − specificity, FNR = 100 − recall.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures are brought to {width}×{height} colour pixels: what is lost there cannot count.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures are brought to {width}×{height} grey pixels: what is lost there cannot count.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Pictures are prepared for training once and kept; they can be made again at any time.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures like those of '{title}', for learning and trying out.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Pixels go in {scaling}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>Please report this.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Positive predictive value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Positive predictive value (%)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Precision-recall curve</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Prepare the pictures as the model takes them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Put pictures that open into each of their folders.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>Put them back as they were, or begin a new run.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Put them into its address (HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>ROC curve</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Reliability</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Rename that one first.</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>Rename their folders, for instance to 'class 1', or by what the pictures show, then try again.</source>
   <extracomment>Where the count is one, English says: Rename its folder, for instance to 'class 1', or by what the pictures show, then try again.</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Right among them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Rows: truth. Columns: answer. Tint: share of the row.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Run it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again as an uncompressed TIFF or as PNG.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again in strips or smaller tiles.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again in strips or tiles, or uncompressed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save it again with a recent Keras as .keras.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>Save it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Save it as PNG or as a plain TIFF first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>Save it as PNG or as an ordinary JPEG first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>Save it as UTF-8.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>Save it as an ordinary (baseline) JPEG, or scale it down.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Save it smaller in another program first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Save or export it as PNG or JPEG first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>Save or export the network again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save the part that goes from one picture to the scores of the classes.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save the whole network: model.save('net.keras').</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Say that they are raw values (logits), if they are.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Say which label each class means, for instance: {lines} (an empty label leaves a class out).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Say which one by its id.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>Say which one is meant.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Scale it down in another program first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Searches: {value}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>Set FOVEA_DATA to the folder that holds it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Set it for all trials with --set; of the data, data.limit can be varied.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>Set one of them: {inner}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>Settings there: {allowed}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>Settings there: {names}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Several images belong to one person or case ({persons:,} in all, told by file names or DICOM numbers). The intervals are 95 % intervals and rest on persons, not images ('by person'): Wilson's score interval on the effective number of images (Rao and Scott, 1992) for shares, F1 by way of the Jaccard index; Obuchowski's (1997) for areas under ROC curves; the variance over persons for the Brier score; a bootstrap of whole persons (Field and Welsh, 2007) for the others.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Share of positives</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Some characters are drawn as boxes: no font of this computer has them. Install one, for instance 'Noto Sans CJK' (fonts-noto-cjk), or write the report as HTML, which any browser shows.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>Splits there: {listing}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/answers.py" />
   <source>Start Fovea again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>Start Fovea again; if that does not help, run 'fovea selftest'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/searching.py" />
   <source>Start it again: it goes on.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>Stop it first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Store the pictures as files in class folders.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>Such parts can run code of their own. Rebuild the network from usual Keras layers, or export it as .tflite.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Take it back from a copy of Fovea's folder, or delete it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>Take it up again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>Take its embedding, or install the model again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>Teachable Machine also exports 'Tensorflow Lite' ('Floating point'): its .tflite can be imported as it is.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Tells apart {names}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The 16-layer net of Simonyan and Zisserman (2014), from random weights; very large and slow.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM has {samples} samples a pixel, as of inks or with transparency; expected grey or RGB.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM holds {have:,} bytes of pixel data; its header ({columns}×{rows} pixels, {frames} frame{value}) asks for {need:,}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM holds {what} without pixel data; expected a picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM needs more memory than is free.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's colour model is not one that Fovea knows; expected grey, palette, RGB or YBR.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's compressed pixel data ({name}) cannot be decoded.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header asks for {samples} samples of {stored} bits in {allocated}; expected 1 or 3 samples of 1 to 64 bits.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header describes a picture, but the file ends before its pixel data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header has no valid {keyword}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header is nested too deeply to be honest.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header or pixel data are damaged.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's header promises a compressed frame of {columns}×{rows} pixels, {samples} samples; the frame {what}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's pixel data are in {name}, for which Fovea has no decoder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's pixel data are in {name}; decoding that needs the package {package}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG declares {width}×{height} pixels, {pixels:,.0f} million, in {size:,} bytes; expected at most {max_pixels} million in so small a file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG has {pixels:,.0f} million pixels and is progressive: decoding it takes {samples:.1f} GiB of memory; expected at most {max_coefficients:.1f}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG's header is damaged.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The LeNet on 5,900 pictures or fewer, four epochs.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG ends before its end mark.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG ends in the middle of its pixel data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG is split into more than a million chunks.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>The PNG's animation has fewer frames than it says.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>The PNG's animation is damaged.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF ends before its picture does.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF says where {count} pieces of its picture lie; expected {first}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>The TIFF uses colours that its palette lacks.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>The TIFF {what}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF's picture is compressed in pieces of {row} MiB; expected at most {max_segment} MiB.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>The TIFF's picture is incomplete.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF's pieces are {kind} of {shape} channels in {itemsize} bits, its header declares {samples} of {bits}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The deflated DICOM grows beyond {max_file_bytes} MiB when inflated.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>The evaluation that was kept of these pictures is damaged. They are looked at again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The figures are cross-validated: each of the {n} pictures was checked by a last layer that had not learned from it; the model itself has learned from all of them, and the same pictures chose the penalty and the temperature.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>The file begins like {kind}, but its header is damaged or of a variant that Fovea does not know.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/study.py" />
   <source>The file cannot be read: {reason}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file could not be read ({get}).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file ends before its picture does.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The file has {size} MiB; expected at most {max_file_bytes} MiB.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file holds {what}; expected {expected}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The file is empty; expected a picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>The file is left as it is. Look at the rights and the disk of Fovea's own data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>The file may have moved.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The file or folder cannot be read: {reason}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The file or folder may not be read by this user.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The folder cannot be read: {reason}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The folder may not be read by this user.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>The full edition of Fovea has it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The library that opens this format {how} ({detail}).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>The model's card says nothing of its use.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>The name of the data's folder is hidden; names of files are written as they are.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>The names of all {total:,} files and of their folders{title} are replaced by numbers.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>The names of its {expected} classes, in the order of its outputs{told}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The net of 2012 (Krizhevsky, Sutskever, Hinton), from random weights; large and slow.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The net of LeCun et al. 1998: tanh, average pooling.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The picture declares a size of {width}×{height} pixels; expected at least 1×1.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture has {what} pixels; expected at most {max_pixels} million.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The picture has {width}×{height} pixels, {width2:,.0f} million; expected at most {most} million.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>The picture is scaled until its shorter side has {resize_shorter} pixels and the middle {input}×{input} is used: what lies outside is not seen.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture needs more memory than is free.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The picture needs more than the {memory:,} MiB of memory that Fovea gives to one picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>The picture was read correctly; try another model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture's data are damaged and cannot be read.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The picture's data are most likely damaged. {save_again}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>The run's log says where. The last checkpoint is kept.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the epoch and the temperature: on new pictures expect a little less.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the epoch, the temperature and the threshold: on new pictures expect a little less.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the temperature and the threshold: on new pictures expect a little less.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the temperature: on new pictures expect a little less.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The same with rotation, shift, zoom and mirroring.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>The smaller number first; above 0 with log.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The system does not allow Fovea to read this file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>The trainings on this computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>The {shown:,} worst of {wrong:,}, by the score that the truth got.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>The {what} is not compared: here it was measured {ways}, on the model's card by the model's own decision, {ways2}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>There are none.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>There are: {known}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>There is no area under the ROC curve here: {reason}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>There is no file of this name any more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>There is no such file or folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>There is no such folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>There is no {what} here: {reason}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>These are not the published weights: whoever installed them vouched for their file. What it answers has not been checked.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>They are kept on one side of the split in any case.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: a first demonstration</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: four convolutions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: four convolutions, augmented</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: normalised and with dropout</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: one convolution</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: three small convolutions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>This TIFF holds {what}; it is not damaged.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>This is a DICOMDIR, a list of DICOM files; expected a DICOM file with a picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>This is a camera raw file; expected JPEG, PNG, TIFF or another finished picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is a device or a pipe; expected a picture file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is a folder; expected a picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>This is neither a file nor a folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>This is {name}, for which Fovea has no decoder outside DICOM; it is not damaged.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is {name}; expected {expected}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>This link leads to itself.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>This user may not read it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Three convolutions, two of stride 2, on large pictures, in small batches.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Three valid convolutions, squared error on one-hot.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Time</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Top score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>Train a classifier, evaluate it and put it into the store.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Train nets on fewer and fewer pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Training data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Truth</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>Try --model {suits}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>Try again a little later.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Try again later.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Try again, or ask the publisher.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Try again: it goes on from there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Try many settings of a training and see which won.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two convolutions with batch normalisation and dropout, large batches.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two convolutions, pooling, dense 128; large batches.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two pairs of convolutions, dense 512.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two wide 5×5 convolutions with pooling, dense 500.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Type one that says what it is for.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Type one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>Unpack it and pack it again without a password.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand, or copy it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand, then give the folder.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>Update Fovea, or export the model again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Use --how features or --how fine-tune.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>Use .html or .pdf.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>Use a smaller batch or smaller pictures, or close other programs; then go on from the last checkpoint.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Use it, or choose another name.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Use its embedding.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_results.py" />
   <source>Use letters, digits and hyphens.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>Use smaller pictures or batches.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Use {listed}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>VGG16 as published stays as it is; a small head learns from what its layer block4_pool says.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>VGG16 from random weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Versions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Wait a moment, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>Wait a moment.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>Wait for it, or stop it there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Wait for that one, then try again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Weigh the classes, or add pictures to the small ones.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Weights have to lie in the file itself.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>What an answer means where the positive class is rarer or commoner, at this threshold:</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>What is checked with must not be learnt from: keep one of each.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>What is in the model store.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>What is the model to be called?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>What is varied are fields of the plan, as in 'fovea train --set':
  --vary optimizer.name=adam|sgd --vary architecture.dropout=0.1|0.2     values
  --range optimizer.rate=0.0001..0.01:log --range fit.batch=16..256:int   numbers

--grid tries every combination of values; --trials N lets Optuna's TPE choose N times, learning from what it saw.
Trials that do worse than the middle of the others at the same epoch end early (--no-prune: never). A search of the
same name goes on where it stopped. Several computers can share one: give each the same --name and --storage, for
instance postgresql://user@host/fovea.

Every trial is a run ('fovea runs show'); 'fovea train --resume RUN' makes the best one's model.

examples:
  fovea search --preset mnist-grid --name digits --grid --vary architecture.layers=flatten,D16|flatten,D32
  fovea search --data photos --name pets --trials 20 --range optimizer.rate=0.0003..0.01:log --vary fit.batch=16|32
  fovea search --show pets --plot pets.png --csv pets.csv
  fovea search --list

exit status: 0 all trials are done; 1 it failed, or there is no figure for --test; 2 wrong usage or a bad plan;
130 stopped by Ctrl-C
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>What it is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>What was measured</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Whatever it is shown, it answers with one of its {count} classes.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>Where it was made, save it as .keras (model.save('net.keras')) or convert it to .tflite.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Where it was made, save it as .keras or convert it to .tflite.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Where no class holds half of the score it answers with the more general word whose classes do ('dog, perhaps Labrador retriever'), and where no word does, that it is not sure. On 2,600 photographs of cats, dogs and clothes, by which this was chosen, 94.7 % of the answers so given were true of the picture.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Where your network looks into connections, its certificate has to be known: SSL_CERT_FILE names it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Why</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>With --json one object: holds, version, edition, system, checks (list of name, state, detail, seconds).
A check's state is ok, failed, or not-installed: a model without its weights, or a part that this edition leaves out,
is reported, not failed.

exit status: 0 everything holds; 1 something does not; 2 wrong usage.
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>With --json: 'list' prints one list of objects (id, name, state, bundled, version, labels, input, size, medical,
problem), 'show' one object (the same fields and 'manifest'), 'verify' one list of objects (id, state, holds, problem,
files with name and verdict).

exit status: 0 all well (a model whose weights are not installed is no fault); 1 a model is damaged;
2 wrong usage, an unknown model among it; 130 stopped by Ctrl-C (what was fetched is kept for the next try).
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>With {n} pictures to check with the figures are rough; see their intervals.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>With {persons:,} persons only, no interval is to be relied on much.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>Without a display and without a network. The pictures of the window go to --out (default: ./out).

exit status: 0 every picture was answered and the window drawn; 1 something failed; 2 wrong usage.
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>Without names: a table. With names: those components with the texts of their licences. --json gives a list of objects
with name, version, licence (SPDX), kind, homepage, source and texts.

Qt and PySide6 are used under the LGPL, version 3: their libraries lie beside the program as files of their own and may
be replaced by your own build. docs/licences.md has the steps.

exit status: 0; 1 the list cannot be read; 2 there is no such component.
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Without one there is 'fovea demo'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Write KEY=A|B|C.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Write KEY=LOW..HIGH, with :log or :int.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Write for instance --set fit.epochs=10.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Write for instance 300,1000,3000.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Write for instance fit.epochs=10.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Write it as class=label.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>Write its pictures into a folder for each class with the package that made it, for instance: from datasets import load_dataset; rows = load_dataset('parquet', data_files=FILE)['train']; for i, row in enumerate(rows): row['image'].save(f'out/{row["label"]}/{i}.png').</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>Write more of the id.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Wrong answers, the worst first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a 7-Zip archive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>a CSV: file and label of each picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a DDS texture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a FITS file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a GIMP document (XCF)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a JPEG 2000 picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a JPEG XL picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a NIfTI volume</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a NumPy array</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a PDF document</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a PNM picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a Photoshop document (PSD)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a PyTorch file, which is a pickle and can run code of its own when it is opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a QOI picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a RAR archive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a Radiance HDR picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a TensorFlow graph, which is a program and cannot be checked layer by layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a ZIP archive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a camera raw file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a checkpoint, which holds weights without their network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a cursor file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>a database of its own, shared by several computers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>a file (.h5, .weights.h5)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a file of weights without their network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a folder of class folders, an archive of one, an .npz, IDX files, CIFAR batches, or pictures with a table of their labels (see --layout); the name of a public set (mnist, cifar10-jpeg, chest-xray, cats-dogs, captcha-letters); or, with a plan for a public set, where the sets lie</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>a folder of your own for the run (default: the runs)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>a grid needs values, and {ranges} is a range</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a gzip archive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a head on what '{name}' sees in each picture (--preset, --architecture, --from, --size and --colour choose otherwise)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>a label is empty</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>a layer cannot be called '{value}': the name is taken</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>a layer of somebody's own, '{registered}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a media file of another kind</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>a mirror of the same file; its hash is compared all the same</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>a model needs a name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a named system; 'fovea train --list-presets' shows them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>a network of its own, from random weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>a network that begins from a finished one computes in 32 bits, as that does</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>a new folder, or a file .csv or .json</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a palette picture whose palette is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>a part of another picture, with its label's share</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a pickle, which can run code of its own when it is opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>a picture in {form} decodes to another one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>a picture, or a folder of pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>a picture; the model is the one that the settings name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>a plan needs to be told its classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a predictor (number {predictor}) that does not go with its samples</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>a report to hand on: .html or .pdf</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>a run that is taken up keeps its plan: --resume goes without {others}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>a second model on the same pictures, with McNemar's test</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a sound or video file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>a table of answers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>a table of labels was found</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>a threshold goes with two labels, a positive class of 0 or 1 and a value between 0 and 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>a threshold goes with two labels; this model has {count}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>a threshold of {threshold}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a training plan (JSON)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a transparency mask</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a web page</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>a whole number</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>about {size} to download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>accuracy of some nets against the number of pictures to learn from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>accuracy on {split}, mean of {repeats} (least to most)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>accuracy {test:.2%} on the test split, n = {test2:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>after its conversion the network answers otherwise, by {largest_difference:.1e} in a score; {parity_limit:.0e} at most expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>all</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>all figures, for programs ('-': stdout instead of the table)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>all pictures belong together: none can check what was learned from the others</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>all {size}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an EPS document</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an EPS or PostScript document</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an HDF5 file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an NRRD volume</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>an ONNX file, which Fovea writes but does not read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an OpenEXR picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an SVG drawing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>an activation '{node}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>an arrangement of samples that Fovea does not know</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>an array of '{title}' takes {size:.1f} GiB; at most {limit} are opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>an evaluation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an icon file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>an object</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>an object of the class {name}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>an operation of the network has a place that does not exist</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>an unexpected fault stopped it ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>an unexpected fault stopped the search ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>an unexpected fault stopped the training ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>an unexpected fault stopped this picture ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>an unknown transfer syntax</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>and {count:,} more without an answer; --csv lists all</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>and {rest:,} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>another Fovea has been preparing its models for minutes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>another Fovea is changing the models</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>another goal</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>another net: a preset's, or layers (repeatable)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>another plan: other classes, another network, or other settings beside those that are varied</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>another window of Fovea is changing the projects</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>answer {label} {score:.3f}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>any field of the plan: optimizer.rate=0.01 fit.patience=5 augment.affine.rotate=15 …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder with one folder for each class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, a thousand pictures or more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, many thousand pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, some hundred pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/architectures.py" />
   <source>architecture '{name}': {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>architecture only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>architecture, 60 M parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>arithmetic-coded lossless JPEG</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>as 'fovea teach list --deleted' shows it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>as JSON</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>as many images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>as the file itself scales bytes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>as they are, 0 to 255</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>at a threshold of {value:.4g}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>at least one training of each is needed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>at most {most_parameters} million are imported</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>at the end measure the best trial on the test split</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>at_least goes with the decision 'sensitivity', and with no other</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>at_least {at_least} found; expected a fraction between 0 and 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>augment: {text} found, 'none' expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/augment.py" />
   <source>augmentation 'european' found pictures of {shape}; 28×28×1 expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>augmentation '{name}' has no setting {unknown}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>augmentation '{name}': {key} is {value}; expected {wanted}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>begin with a model of the store</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>bend smoothly</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>best</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>best {goal} {value:.4f} of {count} trials: {chosen}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>blended with another picture and its label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>blue before green before red, ImageNet's means subtracted (Caffe's habit)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>brightness and contrast</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>bring in a network (.keras, .h5, .tflite) or a model of another Fovea (.zip)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>bring the pictures to N×N pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>building the network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>burnt-in markers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by DICOM's patient number the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>by the highest score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by the names of files and folders and DICOM's patient numbers the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by the names of files and folders the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>calibrating</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>call a model something else</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>called '{scores}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>cam       the network's own last map, at once: for networks that end in pooling and one dense layer
grad-cam  gradients, for every network with a spatial map; loads TensorFlow, which takes seconds
occlusion covers one part after the other and looks how the score falls: slower, but blind to how the network works
A bright place speaks for the class. What lies outside of the network's input is darkened. For digits the map is drawn
on the prepared input, because the ink was moved and scaled. A map shows where a network looked, not that it is right.

exit status: 0 the picture was written (with --json a description is printed); 1 it could not be made; 2 wrong usage.
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/worker.py" />
   <source>cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>cancelled; no model was made</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>cancelled; what was fetched is kept for the next try</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>card.{name}: {count:,} sentences found, at most {most_items} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>center_crop: the shorter side is scaled to N</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>channels of different depths</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>check this installation: models, engine, window</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>checkpoint version {meta}, {version} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>chest X-rays</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>class '{large}' has {ratio:.3g} times as many pictures as '{small}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{name}' was left out, as asked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{name}' was taken for the label '{labels}': they differ in case only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{pair}' is mapped twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>class A of the data is label B; empty B: leave A out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>class activation map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>class folders, an archive, .npz …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>class weights and over- or under-sampling both balance the classes: choose one of them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>classes called 0, 1, 2 … are the model's own label numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>classes in column '{name}': {value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>classify a few samples with every model, with pictures of the window</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>classify pictures: files and whole folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>classify: show where the network looked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>clip_norm {clip_norm} found; expected a number above 0, or none</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>colour model number {photometric}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>compare every file with its checksum</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing checksums</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>comparing pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing the file's hash</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing the two forms</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>components whose licence texts are to be shown</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>compression number {compression}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>computing features</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>computing {words}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>confirm how the labels are read where class folders do not tell them: 'table' (a CSV names the pictures) or 'names' (the file names carry them), as they were recognised, or in full as Fovea proposes it: table:FILE:NAMES:LABELS, names:{label}_#; 'folders': each folder is a class, whatever it is called</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>converted to sRGB by its gamma value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>converted to sRGB from Lab</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>converted to sRGB from its colour profile</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>converting it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>converting it to LiteRT</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>copy a model into your own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>copying</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>cover a part</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/solved.py" />
   <source>cross-validated in {found} parts: each of the {count:,} pictures is checked once by a head that did not learn from it, and the model learns from all of them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>curves only (Kermany et al.: 92.8 % accuracy, AUC .968)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>cycles repeat a 'triangle' or a 'cosine', not the schedule '{schedule}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>dark ink on light paper was inverted</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>data compressed as {name}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>data of an unknown kind</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>decision rule {rule} is unknown</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>declares a size of {width}×{height} pixels; expected at least 1×1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>declares {samples} samples a pixel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>decoded at {width}×{height}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>default: ./out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>default: bilinear</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>default: light</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>digits as Europeans write them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>divided by 255, 0 to 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>does not begin like one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>does not match its checksum</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>does not say where its picture lies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>draw the window into a PNG file, without a display</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>draw where in a picture a model found its answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>draw: the drawing, as Export saves it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>drawn offscreen at {width}×{height}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>end no trial early</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>ended early: others do better</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>ended with an unexpected fault</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>ends before its directory does</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>enlarged from {width}×{height}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epoch {epoch}  batch {step}/{steps}  loss {loss:.4f}  accuracy {accuracy:.4f}  {images_per_s:,.0f} pictures/s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epoch {epoch}/{epochs}  loss {loss:.4f}  accuracy {accuracy:.4f}  validation loss {val_loss:.4f}  accuracy {val_accuracy:.4f}  {seconds:.0f} s{marks}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epochs {epoch} to {epochs}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>epochs, batch and steps_per_execution must be at least 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate, train, models: which part of the view</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate, wizard: labelled data (default: none yet)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate: which of the data's splits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>evaluating</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>evaluating ended with {status}: {which}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>events as JSON lines</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>every class was left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>every combination of the values</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>every component of this program with its licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>every deviation must be above 0</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>every measurement as a table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>every model, with its state</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>every run, the newest first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>every test letter right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>everything holds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>exit status {code}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>exit status {exitcode}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>exit status: 0 all well; 1 a run is not there, in use or damaged; 2 wrong usage</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>exit status: 0 the picture was written (its path is printed); 1 it could not be drawn; 2 wrong usage.
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected 'x_train y_train x_test y_test', 'train_images train_labels …', 'x y' or 'images labels'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected uint8 of (n, height, width), (n, height, width, 1) or (n, height, width, 3)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected {count} whole numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>exporting</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>far too many</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>features</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>few pictures to learn from: {few}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>figures of several runs, and where their plans differ</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>file name {name} is not allowed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>file sha256 {sha256}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>files, folders, archives</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>fine-tune its last layers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>fine-tuning needs at least one layer to unfreeze</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>fine-tuning: the last {free} layers learn now too</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fingerprint {fingerprint}
</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folder '{name}' cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>folder or file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folders called like splits of the data ({which}) lie where classes were expected: inside them there has to be a folder for each class; if they are classes, confirm it with the layout 'folders'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folders whose names are written in two ways (accents) are one class: {told}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>folds {folds} found; expected 0, or 2 or more with a head that is solved</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>for a network that takes any size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>for everybody who uses this Python environment (as make does)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>format of {a}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>found an array of {dtype} with shape {shape}; expected uint8 of (H, W) or (H, W, 3)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: making {names} once, from what was installed; this takes up to a minute</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: no pictures found; expected {expected}, by suffix or by content</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>fovea: stopped</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>fovea: the engine ended ({reason})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>fovea: there are no models; install Fovea again, or import one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {get} …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: {hint}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>fovea: {id}: {problem}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fovea: {message}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>fovea: {message}: training a network from nothing instead ({hint})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {name}: from the package {distribution}, offline</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {name}: {about}{size:,} bytes from {value}; licence: {licence}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fovea: {text}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>frame {frame} of {frames}</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>frames of one video or shots of one burst on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: frames of one video or shots of one burst on both sides of a split: once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>frames of one video or shots of one burst: {many:,} pictures in {count:,} groups</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>from {low:g} to {high:g}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>give either --grid or --trials N</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>give the search a --name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>give up after (default: 120)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>given by the user{own}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>go on training every layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>grey pictures ({grey:,}) and colour pictures ({colour:,}) are mixed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>grey repeated in three channels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>hard links instead of copies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>has a directory without entries</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>has no directory where one must be</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>has the shape {shape}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>hierarchical JPEG</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>hierarchical lossless JPEG</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>hold back some pictures to compare with this older model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>how (default: cam where its map is fine enough, else occlusion)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>how a picture gets its size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>how long until the window is there, and until it answers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>how many classes to list (default: 1, with --json {json_top})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>how much prepared pictures take on disk; remove them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>how often the list of possible answers may leave out the right one, one of {rate_words} (default: {default_rate:g})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>how pixels were scaled when it was trained</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>id or name of a project, or a folder of pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>id {id} found; expected lower-case letters, digits and hyphens</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>images answered, the surest first (%)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>imported file sha256 {sha256_of}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>in 32 bits: 16 would not be faster on this device</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>in the package {distribution} {version}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures and column '{label}' gives their classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures and one column for each class their classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures, column '{label}' gives their classes and column '{split}' their splits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures, one column for each class their classes and column '{split}' their splits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>inks other than cyan, magenta, yellow and black, or inks that are no whole numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>input/output error</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>install the weights of a network of the catalogue</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>installing {name} for a while</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>is damaged or cut off</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>is locked by a password</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>is of {found}×{found2} pixels, {found3} samples</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it asks for more than the {memory:.1f} GiB of memory that it may use</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/first_models.py" />
   <source>it could not be made ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>it could not be started: {value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>it decodes to a blank picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>it failed ({filter})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>it failed ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>it has no stored answers to compare with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>it has no weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>it is about medical pictures: its card says so</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is nested more than {most} deep</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>it is no number</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is not UTF-8 text</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is not valid JSON{where}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it needs more memory than it may use ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>it stopped answering</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>it takes {kinds} and gives {kinds2}; FLOAT32 or bytes expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it took longer than {seconds:.0f} seconds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>it was cut off: its process is gone</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its Keras network takes {shapes}, or does not give {outputs} scores</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its answers differ by {worst:.2g} from those of its own self-test</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its answers differ by {worst:.2g}, at most {tolerance:.2g} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>its classes in the order of its outputs; 'imagenet'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>its colour profile is unusable, taken as sRGB</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>its description of the era of Keras 2 cannot be built: {plain}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its domain gate is for colour pictures; its network takes grey ones</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its domain gate takes {count} features; its network gives {size}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>its folder is called '{model_id}', its manifest '{id}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>its id (default: list what is in the trash)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its input has no fixed size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its input is {shape}; (batch, height, width, 1 or 3) expected: channels come last</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its input is {shape}; [batch, height, width, 1 or 3] expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network does not give {outputs} scores, one a label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network has {count} outputs, its description names others</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network takes {tuple}, its description differs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its output is {out}; (batch, classes) expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its output is {out}; [batch, classes] expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its outputs are no probabilities: from {min:.3g} to {max:.3g}, sums from {min2:.3g} to {max2:.3g}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>its outputs were said to be raw values (logits), but its last layer is a {last}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>its process ended with status {value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>its process ended: {last}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>its run is not on this computer: no model can be made of it here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its self-test cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its stored answers cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>its tensors would take far more memory than the file itself</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its weights are not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>its {goal} is no number</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>keep exact copies together, do not look for near ones</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>keep the weights in 16 bits: half the size, scores differ by up to 0.01</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>keeping the features of {count} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>keeping the prepared pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>label pictures, with suggestions from what was labelled; make it a model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>label_smoothing and ema must be at least 0 and below 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>labelled pictures: class folders, .npz, IDX or CIFAR batches</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>labels of a labelling project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>largest difference between the trained model and its exported form over {n} validation pictures: {gap:.1e}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>learn a head from its features</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>leave a check out, for example 'training'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>letters drawn by the program</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>limit {limit} found; expected a number of images, or 0 for all</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>limit {limit} found; expected at least one image of each of the {count} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/linear_heads.py" />
   <source>linear discriminant analysis (shrinkage {value:g})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>links back to the data itself, not read: {loops}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>links to folders of other classes in {names}: {number:,} pictures there were left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>list, show, compare and delete trainings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>list, verify, install, import, export, rename, delete models</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>logarithmic colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>logarithmic grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>look at the pictures in colour or in grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>look for exact copies only, not for near ones</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>look through a folder of labelled pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>looking at the pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>looking for people</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>looking through the file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>looking through the pictures, {stage}: {done:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>looking: {done:,} files …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>lossless JPEG</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>made for</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>made grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>make the models whose weights came with the installation; quick where they are there</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>marks far from the largest stroke, or much fainter, were left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>measure a model on a folder of labelled pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>measure on the data's test split instead of on validation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>members of the archive share their bytes, or lie outside of it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>method only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>metric {name} is not a number</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>mirror left and right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>mirror top and bottom</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' cannot be loaded by LiteRT</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' gives {found}; expected {count} scores, one a label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model '{id}' has no file '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' has no output {place} for '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{id}' is damaged: '{name}' does not match its checksum</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{id}' is damaged: '{name}' is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model '{id}' is damaged: '{name}' {word}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>model '{id}' is damaged: {problem}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is in the store: {count} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is installed; Keras and LiteRT differ by {largest_difference:.1e} at most</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is ready</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' cannot be copied: {value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' comes with Fovea and is not changed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' is damaged: {problem}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' is not in the trash any more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model.json cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json has schema {get}; this Fovea reads {schema_version}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model.json is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'files' is not an object</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'medical' is neither true nor false</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'outputs' is not an object of numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' holds something that is no text</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' is not a list</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' is not of type {name2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: fields unknown: {added} (in schema 1)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: {problem}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>momentum must be at least 0 and below 1, and weight_decay at least 0</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>move a model into the trash; it is kept there for 30 days</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>move runs into the trash, where they stay thirty days</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>n = {n}: too few for a figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>names shown for each finding (default: 3)</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture in several classes: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture in several classes: at least once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture in several classes: {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture in several classes: once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture more than once in a class: at least {count:,} spare</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture more than once in a class: {count:,} spare</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture on both sides of a split: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture on both sides of a split: at least once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture on both sides of a split: once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>neither '{folder}' nor '{file}' was found</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>nesterov needs a momentum above 0</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>never answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>no answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>no answer within {timeout_s:.0f} seconds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>no answer: {naming}: {clean}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>no authority is known: downloads over https would be refused</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>no checksum for the domain gate's file {file}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>no checksum for {needed}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>no class has this figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>no connection to {host}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>no distances follow from the pictures' features: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>no domain gate: {trouble}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>no epoch left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>no epoch was finished before, so none could be kept</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no figure on the test split: {why}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>no image in this range</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>no image of another class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>no image of this class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>no image of this class, and none was taken for it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>no image was answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>no image was answered by both</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>no ink was found: the picture is blank</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>no label of this evaluation was judged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>no negative image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>no pattern was found in the file names of '{title}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>no picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>no picture of this project has a label yet</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>no picture of {count:,} classes ({names}) opens</source>
   <extracomment>Where the count is one, English says: no picture of class {names} opens</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/teaching/accuracy.py" />
   <source>no picture that was drawn at random has a label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>no picture was answered: {first}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>no picture was written</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>no pictures in the report</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>no positive image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>no process could be started to open pictures: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>no process could be started: {value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>no reason</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>no runs yet; 'fovea train --data DATA --name NAME' begins one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no searches yet; 'fovea search --help' shows how to begin one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>no such output</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>no such place</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>no table that names pictures was found in '{title}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>no threshold could be chosen: validation holds no picture of '{missing}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>no translation comes with this version; its words are English</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no trial has finished</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no trial has finished yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>none of {count:,} pictures can be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>not a valid path</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not as delivered: {changed}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>not as it was saved: {changed}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>not compared</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>not done within {training_s:.0f} s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>not known</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>not known: {bounds}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>not stated</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>not sure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>not taken</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>not the published file: its user vouched for it by its SHA-256</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not tried: the engine does not start</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing gets this answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>nothing has been looked at yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/fitness.py" />
   <source>nothing is left to check with: each class has a single picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/fitness.py" />
   <source>nothing is left to check with: the pictures of each class belong together (one person's, copies, or frames of one video)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>nothing odd was found</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing was called negative</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing was called positive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>nothing was said</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>nothing was said about it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>numbers of pictures to learn from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>numbers to try</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>of how many is not known</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>of the splits {listing} the split '{name}' was read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>on the validation split</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>on {perturbed} copies of the validation split, augmented as in training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>one JSON list</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>one JSON object</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>one JSON object a line</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>one JSON object instead of text</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>one epoch in a child; exported, verified and asked: {count} scores</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>one frame</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>one group</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>one image allows no interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>one letter or digit is expected as a class's key</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>one model (default: all)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>one of its '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>one of {choices}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>one person allows no interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>one picture is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>one picture would need {value:,} bytes of memory</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>one row for every picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>one run: its state, figures and settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>only addresses that begin with https:// or http:// are fetched</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>only runs in this state (done, stopped, interrupted …)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>opening pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>other pictures, or these have changed since</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>other settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>outputs name no 'probabilities'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>padded to {target}, nothing cut off</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>page {frame} of {frames}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>parallel coordinates, as PNG or HTML by the suffix</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>passed over, for they are no pictures: {listing}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>patience, swa, l1 and l2 must be at least 0</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>paused</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>people or cases with pictures on both sides of a split: {count:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>perturbed {perturbed} found; expected 0 to 20 copies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>photos of cats and dogs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>picture {name}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>pictures have other content than when this run began, under the same names: the data's fingerprint is {fingerprint}, {fingerprint2} was expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>pictures in column '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>pictures of less than {tiny} pixels a side: {count:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>pictures of yours to compare answers on (default: two photographs of scikit-learn)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>pictures that do not open: {count:,} ({listing}); they are left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>pictures to open</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>pictures without a folder for each class were found</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>pixels (default: 1280x720)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>plain bars at the edges</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>plan.{name}: fields unknown in schema 1: {stray}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>plan: fields unknown in schema 1: start, preset</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>precision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB; {removed:.2f} GB were removed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>preparing pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>print class, method and map as one JSON object</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>printed as pictures only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>pydicom brings no test file of this transfer syntax</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>rate must be above 0 and warmup a fraction below 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>read at 1/{factor} of {width}×{height}, for it is very large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>read by the layout '{layout}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>reading names</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>recall</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>remove them all</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>report format</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>residual-cnn, fast-cnn, the net of a preset, or layers such as C32k3s,P2,flatten,D128</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>results</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>resumed after epoch {epoch}{within}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>right among them (%)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>rotate, shift, shear, zoom</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_rows.py" />
   <source>rows of this project are missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>run {name}: {name2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>saturation and colour cast</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>say what is in a folder and what is wrong with it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>say what to train: --data DATA, --preset ID or --plan FILE</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>say what to train: --data DATA, --preset ID, --plan FILE or --resume RUN</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that it covers {size} and cut its middle out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that it fits into {size} and fill the rest with {pad_value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that its shorter side has {resize_shorter} pixels and cut the middle {size} out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>schema {schema} found, {schema2} expected; a newer Fovea may read it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>schema {schema} found, {schema_version} expected; a newer Fovea may read it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>scores are called {scores}; expected 'probability' or 'model score'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>see how accuracy grows with the number of pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>seed {seed} found; expected a whole number from 0 to {seeds}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>sensitivity and specificity alike</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>sensitivity for '{label}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>set aside: '{rsplit}' ({reason})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>set aside: {count} pictures that cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>share right</source>
   <extracomment>Axis of a plot: share of right answers.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>shift by whole pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>show a search instead of running one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>show all file names: a medical model's, and those that read like a person's, become numbers otherwise</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>show so many (default: 20)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>show the named systems and end</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>shown through the lookup table of the file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>so many (default: as many as suit)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>so many trials in all, chosen by TPE</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>softer and sharper</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/linear_heads.py" />
   <source>softmax regression (C = {value:g})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>something does not hold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>something of '{node}'</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>split '{split}' holds no picture of {count:,} classes: {names}</source>
   <extracomment>Where the count is one, English says: split '{split}' holds no picture of class {names}</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>state {state} is unknown</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>stopped</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>stopped after {count} epochs; the checkpoint is kept</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>stopped at once; the last checkpoint stays</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopped before the first answer: nothing is kept, no file was written</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>stopped early: no better epoch since epoch {number}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopped early: {right:,} of the {count:,} answered pictures are right, about the same share of every class was seen; kept as incomplete (Evaluate in the window opens it), no file was written</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>stopped; the checkpoint is kept</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>stopped; the same command goes on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>stopping after this batch; Ctrl-C again stops now</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>stopping; nothing is left behind</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>stopping; nothing is taken over</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>stopping; what was added stays</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopping; what was answered by now is kept; Ctrl-C again stops at once and keeps nothing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>stored with white as zero, inverted</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>stretch it to {size}, whatever its shape</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>stretched from {width}×{height} to {target}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>subsampled YCbCr colour of this kind</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>suggestions of one class alone</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>take a deleted model back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>take a run out of the trash</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>take the kept result where the same model saw the same data before</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>take up a run: its id, its folder, or 'last'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>task {task} found, 'classification' expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>teach: the project (default: the list of them)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>teach: what is shown next (default: all)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the HDF5 file is damaged or cut off</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the ImageNet networks that can be installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the LiteRT file is damaged or cut off</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the LiteRT file is damaged or of an unknown version</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the address cannot be reached ({lower})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the answer sets' coverage and sizes do not go with their error rates</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the answer sets' error rates are not fractions in rising order</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the architecture 'head' goes with the starts 'features' and 'fine-tune', and with no other</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' holds a name that leads out of it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' holds one name twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' {what}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive describes '{name}' without its weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the archive has no '{missing}': it is no .keras file of Keras 3</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive has no '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive has {count:,} members; at most {most_members:,} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive holds '{extra}', which its description does not name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds '{name}' twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds a link ('{name}')</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds a member that leads out of it ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive holds {count} model descriptions (model.json), one expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive is encrypted</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive is packed in a way that is not used here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive would unpack to {total:,} bytes; at most {most:,} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the card</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>the card of one model: what it is for, how good it is, its limits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the certificate of {host} is not trusted here: {verify_message}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>the change</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>the checkpoint '{name}' is damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint belongs to another training plan</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint could not be written: {strerror}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint does not fit this network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint does not fit this optimizer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the checksum beside the file is none</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the chosen threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the class folders of '{title}' ({most}) hold no pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the class with the highest score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>the classifying layer needs 'flatten', 'gap' or 'gmp' before it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the connection to {host} ended after {done:,} of {total:,} bytes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/convert.py" />
   <source>the conversion to LiteRT failed: it wrote nothing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/convert.py" />
   <source>the conversion to LiteRT failed: {message}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the converted file differs from the network by {gap:.1e}; at most {limit:.0e} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the converted file's outputs have other names than the model's</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>the curves, as PNG or HTML by the suffix</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>the data has no class '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the data has none</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the data was found one folder deeper, in '{inner}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the decision '{rule}' goes with two labels and a positive class of 0 or 1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>the disk of '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>the disk of Fovea's cache</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the disk of Fovea's cache filled up while '{name}' was unpacked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the disk of Fovea's cache has no room to unpack '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>the disk of Fovea's own data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the domain gate of model '{id}' is for colour; it takes grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the domain gate of model '{id}' takes {count} features; its network gives {size}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the domain gate's figures are no numbers in their range</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>the drawing stays: {reason_of}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>the drawing was not kept: {reason_of}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the engine</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine did not answer within {start_s:.0f} seconds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/answers.py" />
   <source>the engine ended its work without an answer for this picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>the engine ended {blamed_after} times while working on this ({reason})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process answers differently</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>the engine process does not start</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process ended: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process was not ready within {start_s:.0f} seconds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the evaluation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/evaluation.py" />
   <source>the evaluation failed: {name}: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>the evaluation was stopped</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>the evaluation was stopped before a picture was answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/events.py" />
   <source>the event '{values}' lacks a field or has a strange one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the export</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the export was cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the exported file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the exported file differs from the model by {facts:.1e} in a score; {limit:.0e} at most expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>the exported file differs from the network by {gap:.1e}; at most 1e-4 expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the exported file gives no usable numbers (NaN or infinity)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the exported file gives {shape}, the model {shape2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>the features could not be written: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the file cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file carries code ('{error}'); it was not run</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file declares {declared:,} bytes of data and has {size:,}; at most {most:,} are opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the file describes no Functional or Sequential network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the file does not agree with its checksum: it was changed or cut off</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the file does not say everything, and nothing is guessed:</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the file does not say everything: {values}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install_steps.py" />
   <source>the file has changed while it was read: SHA-256 {found} found, {sha256} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file has more than {most_objects:,} entries</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file has {count:.1f} GB; at most 1.1 GB are opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the file has {size:,} bytes; at most {most_bytes:,} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds data of a kind that weights do not have ({dtype})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds links in place of data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds something that is neither a group nor data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the file holds weights alone, not the network that they belong to</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the file is damaged or cut off: it is no whole ZIP archive</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the file is damaged, cut off or empty</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the file is damaged: its network cannot be read or does not run</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the file is far too large for an update file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file is packed by a filter that is not used here ({compression})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file keeps its data in other files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the file keeps weights after its end, which is not read here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file links to another file instead of holding its data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file lists far more than a network's weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>the file names look like '{best}', which would give the classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install_steps.py" />
   <source>the file of weights is far larger than a network's</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>the file to write</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>the file's end mark is missing, nothing of the picture is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's groups are nested deeper than {deepest} levels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's groups are nested too deeply</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's notes are larger than any that weights need</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>the first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>the first {colours}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the folder '{name}' holds a run already</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the folder for '{name}' is not there</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the folder holds no picture that can be opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>the folder of --out cannot be made: {lower}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the folder of --out does not exist</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>the folder of models cannot be written to ({lower})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the folder to write into does not exist</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the folders {others} hold folders of the same names ({first}): perhaps those are the classes, or splits, or masks beside the pictures. Make them the upper folders, or leave one kind out; if all they hold belongs to the upper folder's class, confirm it with the layout 'folders'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest score decides: a threshold chosen {how} gains no more {what} than chance may ({value:+.1f} percentage points, 95 % interval {value2:+.1f} to {value3:+.1f}, cross-validated)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest score decides: validation has {positives} and {negatives} pictures or persons of the two classes, and {fewest} of each are needed to choose a threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest threshold with a sensitivity of at least {at_least:.0%}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the import was cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>the ink was cropped, scaled into {box}×{box} and centred by mass</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/inspecting.py" />
   <source>the inspection ended without a result (exit status {patience_s})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>the inspection failed unexpectedly ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>the inspection was cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>the label '{label}' is there twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>the label with the highest score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>the labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>the labels in '{name}' cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>the labels of '{name}' are not beside it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the last good epoch was kept</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layer '{word}' has a number that is 0 or far too large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layer '{word}' is not understood</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layers are not a list of words</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>the learning has ended</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>the library that reads it crashed; it may have asked for more than the {memory:.1f} GiB of memory that it may use</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the licence of that, for its card</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of installed files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of networks that can be installed is damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>the list of pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of the 1,000 classes is damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the lowest threshold there is, with a sensitivity of {reached:.1%}: the plan's cannot be reached</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>the memory of {device} does not hold a batch of {batch}: each is computed in {parts} parts, whose gradients are averaged, so the steps stay the same</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the memory of {device} holds fewer validation pictures: {piece} are looked at together</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>the memory of {device} is too small for this network: training on the CPU</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>the middle {kept:.0%} of {width}×{height} was used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>the model '{model}' to begin from is not there</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>the model '{name}' is in the store</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>the model (default: the first that can answer)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the model folder (default: the user's models)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the model has no class '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>the model has no label '{label}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/worker.py" />
   <source>the model has {count} classes, none is number {index}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>the model has {count} classes, none is {index}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's card ({data})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's card ({data}, split '{split}')</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>the model's name is that of a patient in the headers of the DICOM files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's output is a model score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's output is a probability</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the model; 'fovea models list' names them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>the name has {count} characters; at most {longest_name} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>the names of these classes look the same: {told}; {how}. Rename or merge their folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/selftest.py" />
   <source>the network answers {group} pictures at once otherwise than one by one (by {gap:.1e} in a score)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network brings files of its own, which image networks do not need</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>the network cannot be taken apart at a map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>the network computes {width:,} features of a picture: too many for a gate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the network gave no usable numbers for this picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network gives no usable numbers (NaN or infinity) for test pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has about {declared} million parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network has branches that it chooses while running</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>the network has no spatial map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network has {count:,} operations</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has {count_params:,} parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has {count} inputs and {count2} outputs; one of each expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>the network of everyday photographs is not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the network takes {name} {signature}; its description says uint8 {value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network uses the operation '{own}', which is not on the list of operations that Fovea runs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network uses {what}, which is not on the list of layers that Fovea builds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description has a layer without settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description has more than {most_nodes:,} parts</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description has {count:,} bytes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description is no object</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description lists no layers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description names a class by something that is no text</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description names no layers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>the new last layer learns from the pictures as they are: what the network sees in each is computed once</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/solved.py" />
   <source>the new last layer: {candidates}, the best of {count} ways</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>the number {text} is too large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the output that its description calls probabilities is another</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>the package '{distribution}' is installed, but its file '{file}' is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>the package '{distribution}', which carries these weights, is not installed here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>the part to validate with where the data has none of its own: a fraction, or fraction:group with group person, auto or none (default: 0.2:auto)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>the pattern '{pattern}' cannot be used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture to explain</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture to write</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the pictures have {count:,} different sizes; all are brought to one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>the pictures to learn from have changed since this run began: {what}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>the pictures to validate with have changed since this run began: {what}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the plan</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the plan '{name}' cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the plan cannot be read: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>the plan does not say where its pictures lie</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the plan leaves it closed (data.use_test)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the plan of the run '{run_id}' cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the plan of the run '{run_id}' is damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the plan was written; 'fovea train --plan {name}' trains it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the plans are the same</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>the prepared pictures could not be read back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>the preset '{id}' needs to be told its classes and its pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>the printed lines of the paper were left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>the process that opens pictures does not start</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the program ended {times} times in the middle of it; it is not tried again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/polarity.py" />
   <source>the program's file '{file}' is missing or broken</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project was opened by another process</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy asks for a name and a password</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy of your settings does not answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy refuses: {partition}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the published file ({licence})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>the range of {key} is {low:g} to {high:g}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the record of the run '{run_id}' cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the record of the run '{run_id}' is damaged: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>the report</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>the report was not written: it was cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>the resamples are too much alike for an interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the run</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' carries the record of '{id}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' could not be moved to the trash ({reason_of})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is being written by another program</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is not in the trash any more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the run of trial {number} is not on this computer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the run's id, or 'last'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run's state</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture in several classes: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture in several classes: at least once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture in several classes: {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture in several classes: once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture more than once in a class: at least {count:,} spare</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture more than once in a class: {count:,} spare</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture on both sides of a split: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture on both sides of a split: at least once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture on both sides of a split: once</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the scratch copy of the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{name}' cannot be opened ({name2})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{name}' cannot be read ({name2})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{study_name}' was begun with {what}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/searching.py" />
   <source>the search could not be started: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/searching.py" />
   <source>the search's process has ended ({why})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the searches on this computer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server answered {code}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server did not answer in full within {whole_s:.0f} seconds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the server starts from the beginning: its file has changed, or it cannot go on in the middle</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server's answer makes no sense ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the setting '{key}' of a layer '{name}' is not known</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>the settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>the splits of '{title}' hold pictures of different shapes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the start '{kind}' goes {which} a model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>the study</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the system ended it for lack of memory</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>the system ended it, most likely for want of memory</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>the system refused it: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>the system refused it: {reason} ('{name}')</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>the table '{place}' has no column '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>the table '{place}' is not there or cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the table has one column only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/general_words.py" />
   <source>the table of general words is damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the trained model gives no numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>the training could not be written down ({name})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the training ended: {text}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the training was cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the training was stopped</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the training was stopped; its last checkpoint is kept</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>the training's process has ended ({reason})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the translation {name} cannot be loaded</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>the trash holds no project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the trials as a table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>the two are compatible; it may be up to {value:.3f} worse here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the unpacked model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>the very same numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the weight '{name}' of layer '{own}' {found}; {tuple} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the weights of '{id}' are installed, to build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>the weights of '{name}' are not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>the window could not be drawn: {trouble}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the window was drawn empty</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the {what} was no longer a number in epoch {epoch}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>their order is another</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there are no copies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>there are no pictures to train on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>there are only {which} images: no ROC curve</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>there are pictures of one class alone</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there are too many runs called '{name}' now</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>there is a model or an unfinished training '{wanted}': this one becomes '{id}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>there is another model '{model_id}' now</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there is another run '{run_id}' now</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>there is no activation '{activation}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/architectures.py" />
   <source>there is no architecture '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>there is no architecture '{name}'; known: {architectures}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>there is no augmentation '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>there is no checkpoint '{name}' in this run</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>there is no command '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>there is no component '{sorted}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>there is no data set '{source}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>there is no display to open a window on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>there is no file '{file}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>there is no file '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>there is no file '{source}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>there is no file or folder '{missing}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>there is no initialiser '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>there is no layer '{layer}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>there is no model '{model_id}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>there is no network '{name}' to install</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/fitness.py" />
   <source>there is no picture of {count:,} classes to learn from: {names}</source>
   <extracomment>Where the count is one, English says: there is no picture of {names} to learn from</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no picture to suggest anything for</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no picture without a label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>there is no preset '{preset_id}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>there is no project yet; 'fovea teach create NAME PICTURES' makes one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there is no run '{run_id}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>there is no run to take up</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>there is no search '{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>there is no setting '{where}{name}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>there is no translation into '{language}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>there is none</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>there is not enough memory for a domain gate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>there is not enough memory for this picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>there is not enough memory for this search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>there is not enough memory for this training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>there is not enough memory for this training ({problem})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>there is nothing to try</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>there is one class only, '{classes}': a classifier needs two or more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>these weights do not fit the network: {what}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/imagenet.py" />
   <source>these weights do not fit {name}: {split}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in blanks only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in letters that look alike</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in upper and lower case only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>thick strokes were thinned (width {width:.1f} of {box})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>thicker and thinner ink</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>thin strokes were thickened (width {width:.1f} of {box})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>this class is not in the project any more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>this data has no test split</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>this data has none</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/model_jobs.py" />
   <source>this did not work: {name}: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>this edition does not train</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>this edition of Fovea comes without TensorFlow</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation is not kept</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation is not kept any more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation was not moved: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>this export</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>this installation has no Optuna</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>this is a SavedModel: it holds a program, not a list of layers, and a program cannot be checked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is a folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>this is no HDF5 file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>this is no LiteRT file (.tflite)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>this is no address of an update file; one begins with https:// and names no user</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>this is no deleted model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/events.py" />
   <source>this is no event of a training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>this is no file of PyTorch weights in the expected form: {words}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is no file of a network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>this is not the published file: {name} {got} found, {lower} expected ({size:,} bytes)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is {refused_endings}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this kept evaluation is damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>this model does not end in softmax scores; its training cannot go on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>this picture is not in the project any more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>this picture was not looked at yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project is damaged: it has no tables</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>this project is not in the trash any more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project is not there any more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project was written by a newer Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>this run is being trained by another process</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>those in the trash instead</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>threshold used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>too few usable resamples for an interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>top score</source>
   <extracomment>Axis of a plot: the highest score of an answer.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>traces of JPEG</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>train a classifier</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>train: a small net trained now on drawn shapes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>train: the run to look at (default: none)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>trained; taking it up makes its model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>training needs {package}, which is not part of this installation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>training plan: {found}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw exact copies of {doubled:,} of them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw none of their {which}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw other pictures of {shared:,} of their persons or cases</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>trainings of each (default: 3)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>transparent parts shown on white</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>trial {number} of {wanted}: {value}  ({state})  {chosen}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>trial {number}: epoch {epoch}/{epochs}  validation {val_accuracy:.4f}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>true or false</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>truth</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>truth {label} {score:.3f}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>truth ↓ answer →</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>try many settings of a training and see which won</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>turned upright (EXIF orientation {orientation})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>two labels are alike</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>two labels: the score from which on the positive one is answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>two numbers {within}, the smaller first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>unfreeze and head_epochs must be at least 0, and head_rate above 0</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>unusual shape {width}×{height}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>usage: fovea COMMAND …      (without a command: the window)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>validation holds no picture of '{label}': nothing is measured of it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>validation {validation} found; expected a fraction between 0 and 0.9</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>values that are no numbers shown as the darkest or brightest</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>values to try</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>version {version} of the package '{distribution}' is installed; {version2} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>weights file sha256 {sha256}, md5 {md5}: {origin}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>what 'delete' printed (default: list what is in the trash)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>what is still to come</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>what it is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what it was trained on, for its card</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what its last layer gives</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>what lies at this address is no update file of Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what the file does not say, and nobody guesses</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>what the model is called</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what the model is to be called</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>what the network computes of some pictures is infinite or no number</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>what the search is called</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>what the study is called</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>what the table's names are relative to</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>what to train (one of these; default: what suits the pictures)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>what was prepared of the pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>what was said of labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>what you said of this label is not kept: the evaluation was stopped before the data was known</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>which class (default: the model's answer)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>which class means which label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>which of the data's splits; 'all' for all of them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>which ones first (default: the surest)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>which view</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>window of the file: centre {centre:g}, width {width:g}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>with --from the pictures are prepared as '{start}' takes them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>with --from: take another file than the published one, if it has this hash</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>with Keras</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>wizard: the starting point (default: recommended)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>wizard: which page (default: 1)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>write a model for other programs, with a certificate of its answers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>write beside each file which number is which picture; not to be handed on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>write the plan to FILE and train nothing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>write them there instead</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>writing ONNX needs the package {name}, which is not part of this installation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>writing the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{answered:,} answered, {failed:,} failed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{answered:,} answered, {failed:,} failed …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{bits_stored}-bit, windowed {describe}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits} bits a channel, the upper 8 used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits}-bit floating point, windowed {window}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits}-bit, windowed {window}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{card} says {percent} on {card_n:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,} (listed below, not counted)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,} (stopped early: not all of the data)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{count:,} bytes found, at most {most_bytes:,} expected</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{count:,} classes ({names}) hold a single picture: it cannot be both learnt from and checked with</source>
   <extracomment>Where the count is one, English says: class {names} holds a single picture: it cannot be both learnt from and checked with</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>{count:,} classes are called like a patient in the headers of the DICOM files: a model keeps the names of its classes</source>
   <extracomment>Where the count is one, English says: a class is called like a patient in the headers of the DICOM files: a model keeps the names of its classes</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{count:,} classes hold no pictures: {names}</source>
   <extracomment>Where the count is one, English says: class {names} holds no pictures</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} files found, at most {most_files} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} files without a suffix</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} folders ({names}) beside the splits: not read</source>
   <extracomment>Where the count is one, English says: folder {names} beside the splits: not read</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} hidden files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} images, split '{split}'; {day}; made by Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{count:,} images, {elapsed_s:.1f} s on {value}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} images; {day}; made by Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} metrics found, at most {most_metrics} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{count:,} of {count2:,} pictures to {purpose} with are exact copies of pictures that are learnt from: the figures promise too much</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} of {total:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>{count:,} of {total:,} names of files read like a person's name, or hold a patient's: numbers stand in place of these{title}. The others are written as they are.</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/figures/result.py" />
   <source>{count:,} of {total:,} pictures have no answer and count in no figure: figures are of the {answered:,} others alone. {said}</source>
   <extracomment>Where the count is one, English says: {count:,} of {total:,} pictures has no answer and counts in no figure: figures are of the {answered:,} others alone. {said}</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{count:,} of {total:,} pictures of '{labels}' are to check with, about {wanted:,.0f} were asked for: what belongs together stays on one side</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{count:,} pictures are</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are in printing colours (CMYK) and are converted</source>
   <extracomment>Where the count is one, English says: {count:,} picture is in printing colours (CMYK) and is converted</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are stored inverted and are turned over</source>
   <extracomment>Where the count is one, English says: {count:,} picture is stored inverted and is turned over</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are very large and are read at a reduced size</source>
   <extracomment>Where the count is one, English says: {count:,} picture is very large and is read at a reduced size</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more bands than are shown</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more bands than are shown</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more than 8 bits and are reduced to 8</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more than 8 bits and is reduced to 8</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more than 8 bits and are windowed to 8</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more than 8 bits and is windowed to 8</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have no label in it and were not counted</source>
   <extracomment>Where the count is one, English says: {count:,} picture has no label in it and was not counted</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have pixels without data, which are black</source>
   <extracomment>Where the count is one, English says: {count:,} picture has pixels without data, which are black</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have several frames: the first one is used</source>
   <extracomment>Where the count is one, English says: {count:,} picture has several frames: the first one is used</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have several labels in it and were not counted</source>
   <extracomment>Where the count is one, English says: {count:,} picture has several labels in it and was not counted</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have transparent parts, which are laid on white</source>
   <extracomment>Where the count is one, English says: {count:,} picture has transparent parts, which are laid on white</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures lack their end marks, nothing else</source>
   <extracomment>Where the count is one, English says: {count:,} picture lacks its end mark, nothing else</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures lie on their side and are turned upright</source>
   <extracomment>Where the count is one, English says: {count:,} picture lies on its side and is turned upright</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} rows of the table name pictures that are not there</source>
   <extracomment>Where the count is one, English says: {count:,} row of the table names a picture that is not there</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} system files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} versions found, at most {most_versions} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} {suffix} files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,}, by file names or DICOM patient numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{count} classes found for {count2} labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} cutoffs of answer sets found; one from 0 to 1 for each of {count2} rates</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/cli/models.py" />
   <source>{count} files as they should be</source>
   <extracomment>Where the count is one, English says: {count} file as it should be</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>{count} halvings leave nothing of {shape}×{shape2} pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} label ids found for {count2} labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} labels found, 2 to {max_classes} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{count} labels found, at least 2 expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>{count} labels found; 2 to {most_classes:,} expected</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/label_map.py" />
   <source>{count} of the data's classes are no label of the model: {unmatched}. Data: {classes}. Model: {labels}</source>
   <extracomment>Where the count is one, English says: {count} of the data's classes is no label of the model: {unmatched}. Data: {classes}. Model: {labels}</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{count} pieces of ink stand apart, and the model reads one digit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{count} pieces of ink, and no more than {most} are read: the answer is for one of them at most</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} quantiles of the domain gate found; {quantiles} in rising order expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{count} scores found, {count2} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{count} stored answers repeated, largest difference {worst:.1g}; the engine answers</source>
   <translation type="unfinished" />
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>{count} tables ('{place}' …)</source>
   <extracomment>Where the count is one, English says: the table '{place}'</extracomment>
   <translation type="unfinished">
    <numerusform />
    <numerusform />
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>{count} training and {count2} validation pictures are too few for a domain gate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{cycles} cycles found; expected 1 to 20</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{done:.1f} of {total:.1f} MB, {rate:.1f} MB/s{left}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{done} of {total}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>{done} of {total} parts covered …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{error}; the damaged file could not be put aside</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/words.py" />
   <source>{first} {then}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{flavour}, {frozen}, Python {python_version}, Qt {qversion}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{form} cannot be written: a library is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>{found} in '{title}'. {lines}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{get} numbers of {bits} bits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{get} of {bits} bits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>{gone:,} are missing and {new:,} are new</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{head_epochs} epochs for the head found; expected fewer than the {epochs} in all</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>{hint} Where the numbers are the model's own label numbers: --map-numbers.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>{hint}, or by itself: pip install {wanted}. Models that are there work without it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{hits:,} of {n:,} images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{hits:,} of {n:,} images ({percent}, 95 % interval {span})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>{hits} of {n}: too few for a figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} answers {code} ({reason})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} has a file of {total:,} bytes; {about}{wanted:,} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} has another file now</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} has not sent anything for a while</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} points to an address that is not safe</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sends more than the {total:,} bytes expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent a web page instead of the file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent another part, or of another file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent something that is no file of weights (HDF5)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} was not found: this computer seems to be offline</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{id} is back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{itemsize}-bit, windowed {describe}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{key}: {text} found, 'on' or 'none' expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{kind_of} found, a list of texts expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{kind_of} found, an object expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>{label} is the class, # stands for digits, * for anything: for instance names:{label}_#.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{learned} training pictures of '{title}' ({counts}); cross-validated.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{learned} training pictures of '{title}' ({counts}); {held} for validation.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{least} to {largest}, in the middle {middle}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{loose:,} pictures lie beside the class folders: they have no class and were not counted</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{low:.2f} to {high:.2f}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>{low} to {high}{unit}, n = {n:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{many} left out: broken, there twice, or in several classes ('fovea data inspect' lists them)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{many} of nearly the same pictures: each stays on one side of the split (--exact: do not look)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{matrix} of {total} pictures of '{labels}' were called '{labels2}'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{message}; trying again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/clustered.py" />
   <source>{method} by person</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{model} up to {value}, then {own}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{moment} UTC, took {seconds:.1f} s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{names}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{names} and {rest:,} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to learn from: merge them, or take one away</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to test with: merge them, or take one away</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to validate with: merge them, or take one away</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{name} ({id}) on '{title}'{split}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>{name} ({id}, version {version})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} has schema {found}; {schema} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>{name} has {count} numbers for {shape} channels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} holds more than {most_points} points</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} holds no list of at most {most_strokes} strokes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} is no drawing of Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} is no drawing: {error}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: accuracy on {split}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>{name}: ended by the system, perhaps for lack of memory</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: {size:,} pictures, training {repeat} of {repeats}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: {size:,} pictures: accuracy {row:.2%} ({row2})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{n} drawn digits measured; a report as HTML ({st_size:,} bytes) and as PDF</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>{n} validation pictures set the limit of what is called foreign: about {refused:.0%} of other pictures of the model's own kind will be called so, or more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/result.py" />
   <source>{often:,} of these: {reason}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: a copy of the only form that the model has: there is nothing to compare it with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: answers differ by {difference:.1e} at most over {pictures} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: the whole model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>{parameters} parameters on {device}; {train} training and {validation} validation pictures; {left}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>{prefix}copies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>{prefix}copies-across-splits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>{prefix}label-conflict</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>{reported} Fovea has not measured it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{run_id} is in the trash; 'fovea runs restore {tokens}' takes it out again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{samples} bands, {used} shown</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{samples} channels where its colour model has {colours}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{sentence}
Difference in accuracy: {value} ({bounds})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{shared:,} of {count:,} persons or cases to check with have pictures that are learnt from, as the data's own splits have it: the figures promise too much</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>{shown} … {count:,} in all</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{sizes:,} pictures to learn from are asked for, and there are {there:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size} to download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size}, here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size}: pip install {distribution}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does better here, by {below:.3f} to {above:.3f}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does better here, by {points} to {points2} percentage points.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does worse here, by {points} to {points2} percentage points.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does worse here, by {value:.3f} to {value2:.3f}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; the two are compatible; {n:,} images cannot rule out that it is up to {points} percentage points worse.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; {few} or more images are needed for an answer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>{stem} - key to names.csv</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>{summary} It knows the 1,000 classes of the ImageNet challenge of 2012.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{text} is no number</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{text}: '{which}' is better on these images ({p}, {test}).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>{text}: expected {smallest} to {largest}x{largest}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{text}: no more than chance explains ({p}, {test}).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>{time} left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{title}: {total:,} pictures in {classes:,} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{title}: {total:,} pictures in {classes:,} classes, {broken:,} more do not open</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{tones:.0%} of the picture is neither paper nor ink: it is no drawing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{train:,} to learn from, {validation:,} to check with, {left_out:,} left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{truth} answered as {other}: of {total:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{truth} answered as {other}: {share:.1%}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{used} bits a channel, the upper 8 used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{value:.1%} of the pixels hold no data, shown black</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{value:.3f} of {n:,} images (95 % interval {low:.3f} to {high:.3f})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{value} is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/convert/export_litert.py" />
   <source>{value} is not part of this installation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{value}{unit} ({low} to {high})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{value}{unit} ({low} to {high}, n = {n:,})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{what} could not be read: {reason}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{what} has {count:,} characters, at most {most:,} expected ('{text}…')</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} takes {size_words}, and {size_words2} are kept in reserve; {disk} has {size_words3} free</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {disk} is full</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {disk} may not be written to, or another program has the file open</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {reason_of}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{what}: the file was damaged ({error}). It was kept as {name}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{what}: {done:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{what}: {done:,} of {total:,}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where} is not an object</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: a number that is too large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: expected a list of {kind}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: {name2} found, {value} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: a label {min}; expected 0 or more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: a width and a list of points expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: a width from {thinnest} to {widest} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: expected a list, found {name}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: fields {parts}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: labels of {dtype} {shape}; {expected}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: pictures of {dtype} {shape}; {expected}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: points of two or three numbers expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: points on the paper (0 to 1) and pressure 0 to 1 expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {name} found, {words} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: {shape} labels for each picture; Fovea learns one class a picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {text} found, {words} expected</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {value} found; expected one of {map}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>{words}: {total:,} pictures in {count:,} classes, {classes}. For instance {shown}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>“{name}” is being trained by another process</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>GalleryModel</name>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is unsure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is wrong</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>{0}: answered '{1}' with {2}; it is '{3}', which got {4}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>{0}: right, '{1}' with {2}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>GalleryPane</name>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>1 picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>All classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>All pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Copy the pictures into a new folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Export</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Exports all pictures listed here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Exports the selected pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Key: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Likely wrong labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No mistake among the {0} pictures answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No mistake so far: {0} answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No name of these holds “{0}”.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture is answered yet.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture is here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture was answered.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No wrong answer is so sure that its label would be doubtful.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Only pictures of this class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Right, least sure first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Save as a list (CSV)…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Search by name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Search pictures by name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Take back what was last said of a label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>The label is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>The label of the chosen pictures is {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Undo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Which pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Worst mistakes first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>any</source>
   <extracomment>A choice of a filter: whatever it is.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>unsure</source>
   <extracomment>Neither right nor wrong: somebody cannot tell.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>wrong</source>
   <extracomment>Not correct.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>{0} answered as {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>{0} pictures</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>HeaderDialog</name>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>DICOM header</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Filter by tag, name or value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Filter the header</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Header of the file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Show names, numbers and dates of the patient and of the examination</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Tag</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>hidden</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>{0} lines, {1} of them hidden</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>HeapRow</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>A heap of {0} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Choose this heap for merging</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Label {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Show</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>What are these?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>What these pictures are</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>HeapsDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Close</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Every picture has a label.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Group Alike</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Grouping…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Heaps</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Learning has stopped.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Merge the chosen</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Number of heaps</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Pictures without a label, in heaps that are alike. Name a heap, and all its pictures have that label.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Splitting…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>as many as suit</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>HeatLegend</name>
  <message>
   <location filename="../../desktop/ui/widgets/heat.py" />
   <source>Colours of the map, from nothing to most</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>HelpDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>A score is not a certainty. Fovea calls it a probability only where it was checked against data.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>About this model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Actual size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Choose a model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Choose a model on the right; its card says what it was made for and how well it does.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Classify all images of the list</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Classify this image again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Classify view</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Copy what the view offers, the drawing for instance</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Drop images or folders onto the window, open them, or paste what you have copied.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Everything happens on this computer; nothing is sent anywhere.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Export the results as CSV</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Filter the list; typing in the list does it too</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Fit to the window</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Go through the images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Go to the picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Help</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Help and Shortcuts</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>How it works</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Keys</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Look at the image large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Look large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Next image, from anywhere</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>One image is answered at once. A folder is worked through with a table of results below.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Open a folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Open images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Paste an image, files or paths</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Previous image, from anywhere</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Redo what was undone</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Remove from the list; the file stays</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Select all images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>This help</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Undo removing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Zoom in</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>Zoom out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>{0} view</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/help.py" />
   <source>‘What the network saw’ is the input itself: if it looks wrong, so will the answer be.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>HereTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Does it work here?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Figures here and on the model's card</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Here it is {0} on {1} images.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It does better here than its card says</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It does worse here than its card says</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It fits its card, if these pictures are new to it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>No answer yet: the evaluation was stopped before all pictures were answered</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>No answer: these may be the pictures that the card was measured on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Not compared: this threshold is not the model's own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>The model's card gives no accuracy to compare with.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>The model's card: {0}, split {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>There is no figure to compare with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>This compares the same figures on two sets of pictures. 'Compatible' means that the intervals leave room for no difference, not that there is none; more pictures tell more. Your pictures should be such as the model will really be given, and labelled without looking at its answers.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Too few pictures for an answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Value (95 % interval)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>What Fovea does not know: whether the model has learned from these very pictures, or from others of the same people or things; whether the card was measured on them; and whether their labels are right. If any of this is so, the figures here say nothing on new pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Where</source>
   <extracomment>Head of a column: here, or on the model's card.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>no number of images</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ImageDelegate</name>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>no result</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>unfamiliar kind</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ImageList</name>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>1 image removed; its file stays.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Copy the path</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Filter by name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Filter images by name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Look at it large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No images yet.
Drop files or folders here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No name holds “{0}”.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Put the removed images back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Remove from the list</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Show as a grid</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Show as rows</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Show its folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Undo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} images removed; their files stay.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} of {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} of {1} images</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ImagesModel</name>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>no answer: it is not the kind of picture that the model learned from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>{0}, no result: {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ImportDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1 (divided by 255)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 255, as they are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>A file of class names</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Choose…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>For its card; may stay empty</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From a file…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>ImageNet's 1,000</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Import</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Import {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It begins with a layer that scales: pixels most likely go in as they are, 0 to 255.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It is about medical pictures. {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It takes {0} pictures of {1} and tells {2} classes apart.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Its outputs are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>One class a line, in the order of the network's outputs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pictures were</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pixels were given as</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Probabilities (they sum to 1)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Raw values (logits)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Scaled whole, the rest padded</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Scaled, and the middle cut out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Size (width × height)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Still to be told: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Stretched to that size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Text or JSON (*.txt *.json *.csv)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The file does not say the rest, and Fovea does not guess: wrong answers would look like right ones.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Trained on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>any size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pictures got their size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pixels were given</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>what its outputs are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} classes are named, the network has {1}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} parameters.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>−1 to 1</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>InstallDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1 (divided by 255)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 255, as they are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Continue ({0} already downloaded)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Fovea compares the file's hash with the published one and installs nothing else. Fovea's authors have not downloaded the file themselves; the first one that passes is remembered by its SHA-256.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Free disk needed for a while</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From a file…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Install</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Install {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>MD5 as published</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>SHA-256</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The file of weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The weights came with the installation: nothing is fetched. Fovea compares their hash with the one that its authors computed, builds the network and converts it, in about a minute.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights (*.h5 *.hdf5)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights in 16 bits: half the size; scores differ by up to 0.01</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights in 32 bits: as published</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pictures got their size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pixels were given</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>what its outputs are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>−1 to 1</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Intake</name>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>That is a web address. Fovea works offline: save the picture, then open it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>The text on the clipboard is not the path of a file. Copy an image or a file.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>There is no image and no file on the clipboard. Copy one, then paste it here.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>JobBar</name>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Ending…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Pause</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Paused. What was fetched is kept.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Progress</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>JobList</name>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>Trainings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>best epoch: {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>JobPage</name>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Cancel…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Card</source>
   <extracomment>A model's card: the page that says what it is for and how good it is ('model card').</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Earlier</source>
   <extracomment>Button: move up in the queue of trainings.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>End after this epoch and make a model of the best one so far</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Go on from epoch {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Later</source>
   <extracomment>Button: move down in the queue of trainings.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Make the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Pause</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Progress of the training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Remove from the list</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Save curves…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>See its validation errors</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Start</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Start again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Stop after this epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Take out of the queue</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Use it in Classify</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>JobsModel</name>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>best epoch: {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>JobsTab</name>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>New training…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Start from a plan file…</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Judging</name>
  <message>
   <location filename="../../desktop/ui/evaluate/judging.py" />
   <source>What you said of this label is not kept: the evaluation did not come to its end.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/judging.py" />
   <source>What you said of {0} labels is not kept: the evaluation did not come to its end.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Keeping</name>
  <message>
   <location filename="../../desktop/ui/draw/keeping.py" />
   <source>No ink was found: there is nothing to keep.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>KeptPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>1 evaluation deleted.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Delete</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Delete the chosen evaluations</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Kept evaluations</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Open</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Open the chosen evaluation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Take the deletion back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>They open at once, without asking the model again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Undo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>and {0} older ones</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>incomplete</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>right: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>threshold {0} chosen</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>{0} evaluations deleted.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>KindChart</name>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>Distance from the training pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>This picture: {0}. Limit: 1. 95 of 100 of the model's own pictures lie below it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>its own pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>limit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>this picture</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LargeLook</name>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>Picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>This image cannot be shown.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>← → other images · + − zoom · Esc closes</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LargePicture</name>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Close</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Key: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Next</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Previous</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The label is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The label of this picture is {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The picture is not where it was.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>This picture cannot be shown.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>You said: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>unsure</source>
   <extracomment>Neither right nor wrong: somebody cannot tell.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>wrong</source>
   <extracomment>Not correct.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>{0} of {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LastImages</name>
  <message>
   <location filename="../../desktop/services/last_images.py" />
   <source>Of the images from last time, {0} are no longer where they were.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LayersTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>It came as .tflite: its operations are {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Its layers can be listed once it is installed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Kind</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Layers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>What its first layer looks for (grey: no weight)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} layers, {1} parameters</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LayoutPanel</name>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Compare the examples with your pictures before you confirm. Your files stay as they are.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>How the labels were recognised</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>No: open another folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>The folders do not name the classes. This was recognised:</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Yes, read the labels this way</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>and {0} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>{0} pictures in {1} classes: {2}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LearnedCard</name>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>(Between {0} and {1}.)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>95 % interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Accuracy against the number of labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Another {0} labels would probably bring about {1}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>It begins to suggest when there is {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Label a few pictures of two classes: then it begins to suggest.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Make it a model…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Too few labels to say how often it is right.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>What it has learned</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>With {0} labels: {1}, {2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>{0} right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>{0}. On {1} labelled pictures that were drawn at random, each left out, with its copies, while it learned.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LeftQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Not now</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Trainings were cut off when Fovea ended last: {0}. Go on with them?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Unfinished trainings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>{0} of {1} epochs are done; it goes on from there, with its curves.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>“{0}” was cut off when Fovea ended last. Go on with it?</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>LicencesDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Component</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Components</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Filter by name or licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Filter the components</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Fovea is free software under the Apache License 2.0. It is made of {0} components:</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Licences</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Qt and PySide6 are used under the GNU Lesser General Public License, version 3. Their libraries are files of their own beside the program: you may replace them by your own build. The program's documentation says how, under 'licences'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Reading the list …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Source: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>The licence's text</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>The list of components cannot be read. Install Fovea again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>This package brings no text of its licence.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>MainWindow</name>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Edit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;File</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Help</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;View</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Classify</source>
   <extracomment>A view of the window: sort pictures into classes.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Classify images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Draw</source>
   <extracomment>A view of the window: draw digits by hand. An imperative, or a noun as a tab has it.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Draw digits and see them read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Drop images or folders to classify them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Fovea speaks the chosen language from its next start on.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Images ({0})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Install, import, export and look after models</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Label pictures and see at once what is learned</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Models</source>
   <extracomment>A view of the window: trained models (networks), not people or cars.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Open Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Open a Folder of Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>See how good a model is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Teach</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>The other program would only move this, and Fovea moves nothing. Open it here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Train</source>
   <extracomment>A view of the window: train a model on pictures (machine learning).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Train a model on your own pictures</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>MakingDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>A model of {0} classes from {1} labelled pictures, with calibrated scores, a check whether a picture is of its kind, and a card that says how good it is. It appears among your models and works without this project.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Make It a Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Make the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Name of the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Quick: what it has learned here (well under a minute)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Thorough: the network itself learns your pictures as well (many minutes)</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>MappingDialog</name>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>1 class is undecided.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>At least one class must mean a label.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Choose…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Class of the data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Label for the class {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Label of the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Leave this class out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Match Class Names</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>The folder's class names are not the model's labels. Say which label each class means; a class that is left out is not evaluated. Fovea remembers this for the model and these names.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>The numbers are the model's own label numbers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Use these</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>{0} classes are undecided.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>MatrixModel</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>'{0}' answered as '{1}': {2} images, {3} of the {4} answered '{5}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>'{0}' answered as '{1}': {2} images, {3} of the {4} that are '{5}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>{0} images are '{1}'. Click to see them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>{0} images were answered '{1}'. Click to see them.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>MatrixPane</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Confusion matrix</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Rows: what it is. Columns: what the model answered. A cell shows its pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Share of each answer</source>
   <extracomment>Of all pictures that got this answer (column of the confusion matrix).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Share of each truth</source>
   <extracomment>Of all pictures that are of a class (row of the confusion matrix).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Tint shows</source>
   <extracomment>What the colour of a cell of the confusion matrix shows.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>MatrixTable</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Confusion matrix: truth down, answers across</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Menus</name>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;About Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;About This Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Actual Size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Classify</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Classify All Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Copy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Export Results as CSV…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Export…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Filter Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Fit to the Window</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Help and Shortcuts</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Licences</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Look Large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Next Image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Open Images…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Paste Image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Previous Image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Quit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Recent Folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Redo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Remove from the List</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Settings…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Theme</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Undo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Undo Removing Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>C&amp;hoose a Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Check for &amp;Updates…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Classify This Image &amp;Again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Dark</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Light</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Like the System</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>None yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Open &amp;Folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Select &amp;All Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Zoom &amp;In</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Zoom &amp;Out</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>MessageBar</name>
  <message>
   <location filename="../../desktop/ui/widgets/message_bar.py" />
   <source>Close the message</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/message_bar.py" />
   <source>Message</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Metrics</name>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>AUC</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Accuracy in this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Area under the ROC curve (AUC)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Average precision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Balanced accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Brier score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Calibration error (ECE)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>ECE</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>F1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>FNR</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>FPR</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro F1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro precision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro recall</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>NPV in this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Negative predictive value, in this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>PPV in this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Positive predictive value, in this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Precision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Recall</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Right among the first five (top-5 accuracy)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Sensitivity</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Sensitivity for '{label}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Specificity</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Specificity for '{label}'</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Top-5 accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted F1</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted precision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted recall</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ModelCard</name>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Damaged: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Has no classes of its own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed, to build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed · {0} to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not made yet · nothing to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not measured</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>With Fovea</source>
   <extracomment>Models that come with the program.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Yours</source>
   <extracomment>Models that the user made or brought in.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} · {1}×{1} colour</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ModelCardDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>'{label}' is answered where its score is at least {value}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>95 % interval</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>About {name}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Architecture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Classes ({count})</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Comes from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Continues</source>
   <extracomment>The model that this one went on from.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>Copy text</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Credits</source>
   <extracomment>Who is to be named as author of data and methods.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Date</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Difference after export</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Figure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Figures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Fovea itself</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Id</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Import it or train it again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Input</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Install Fovea again to restore it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Intended use</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Its description is here, its weights are not: it answers once they are installed under Models. Until then choose another model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Known failures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Licence of the data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Limits</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Made on</source>
   <extracomment>The computer or device that a model was trained on.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Made with</source>
   <extracomment>Versions of the program and libraries that made a model.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Measured on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>Model card</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Must not be used for</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Not measured.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Notice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Population</source>
   <extracomment>Medicine, statistics: which people or pictures the data came from.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>SHA-256 of the weights</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Scores and decision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Seed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Size on disk</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Technical</source>
   <extracomment>Head of a section with technical facts.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>The numbers beside the bars are calibrated on {n} images of the {split} split (temperature {t}): the expected calibration error went from {before} to {after}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>The numbers beside the bars are model scores: they have not been calibrated to be probabilities.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>This model cannot answer: {problem}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Value</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Version</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Weights not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>and {count} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>colour (RGB)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>ink found, cropped, scaled into 20×20 and centred by mass</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>it cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>scaled whole, the rest padded</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>scaled, and the middle cut out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>stretched to that size, whatever its shape</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>your own models</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>{difference} at most in any score, over {n} images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>{width} × {height} pixels, {colour}; the picture is {fit} ({interpolation}).</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ModelChooser</name>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>About this model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Choose a model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Damaged</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>No model is installed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Ready</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Weights not installed</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Models</name>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source> · {0} a second</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source> · {0} left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Building the network…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing checksums…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing the file's hash…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing the two forms…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Converting it to LiteRT…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Converting it…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Copying…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Looking through the file…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>MD5 as published</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>SHA-256</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Writing the model…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>about {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>none: the package holds {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>the Python package {0} {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>{0} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>{0} of {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>{0} {1}, {2}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ModelsView</name>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>A job on models runs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Bring in a .keras, .h5 or .tflite network, or a model of another Fovea</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Cancelled. What was fetched is kept for the next try.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Changing {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Copying {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Drop a network or a model here to import it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>End and close</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>End “{0}” and close Fovea?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Exporting {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Filter models</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Importing {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Import…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Installing {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>It is the only form of this model: there was nothing to compare it with.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Its answers differ by {0} at most over {1} pictures; the certificate says so.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Looking at {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>One model at a time: the first is being looked at.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Stay</source>
   <extracomment>Button: do not close the window.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Verifying {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>What was fetched so far is kept; nothing half-done is installed.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Written: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>{0}: all {1} files are as they were.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>{0}: {1} not as it was.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is back among the models.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is in the trash; Undo takes it back.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is ready.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>NearestStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/nearest_strip.py" />
   <source>Nearest training pictures</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>NoticeStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Note</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Notices</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Notices</name>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Fovea is for research and education only; it is not a medical device.</source>
   <extracomment>Legal notice: translate it to the letter.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Not the kind of picture that this model knows.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Research and education only; not a medical device.</source>
   <extracomment>Legal notice: translate it to the letter.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Some of these show nothing that the model knows: it answers all the same.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>The chest picture is a phantom drawn by a program: it is no X-ray and shows no one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>The output is a model score, not a diagnosis.</source>
   <extracomment>Legal notice: translate it to the letter.</extracomment>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Opener</name>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>No images were found there. Fovea opens JPEG, PNG, WebP, TIFF, DICOM and more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>Pasted {0} {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>{0}, and {1} more that could not be read</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ParallelPlot</name>
  <message>
   <location filename="../../desktop/ui/train/parallel.py" />
   <source>No trial is finished yet.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/parallel.py" />
   <source>Settings of the trials and what came of them</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PicturePane</name>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source> of {0}</source>
   <extracomment>After a number: frame 3 of 12. The blank at the beginning stays.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Actual size, 100 %</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Fit to the window</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Frame</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Frame </source>
   <extracomment>Before a number: frame 3 of 12. The blank at the end stays.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Frame of this file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Look at it large (Space)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Opening…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>This image cannot be shown.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Zoom in</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Zoom out</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PictureSide</name>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Backspace takes the label back, Space shows the picture large.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Enter takes the suggestion.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Keys: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>No label yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>This picture {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>You said: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>{0} pictures are selected.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PictureView</name>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>No picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>Picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>{width} × {height} pixels, shown at {zoom} %</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PicturesModel</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>cannot be opened</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>labelled {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>no label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>no label; suggested {0}, model score {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>not where it was</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>starred</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>the file holds another picture now</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PicturesPane</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>All classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>All pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Backspace</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>By suggestion, surest first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Del</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Drawn at random, to measure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Drop pictures, folders or archives here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Enter</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Every picture has a label.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Find similar pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>It suggests nothing yet: label a few pictures of two classes first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Likely wrong labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Model score at least</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Most uncertain first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Newest first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No label looks wrong.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No name of these holds “{0}”.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No picture is here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No suggestion has so high a score. Move the slider to the left.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>One heap</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>One moment…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Only pictures of a class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Pictures of the project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Remove from the project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Search names</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Search the names of the pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Show large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Similar to a picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Space</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Star</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Starred</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Suggestions from this model score on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take the label back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take the suggestion</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take these {0} suggestions</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Unlike everything labelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>What is shown next</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Without a label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} of {1} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} pictures</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PlanDialog</name>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Batch size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Choose…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Folder or file of the images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Learning rate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>More settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Name of the training and of its model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>One a line, for instance:
fit.patience = 3
augment.flip.p = 0.5</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Open a Labelled Folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Seed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Start a Training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Start training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>{0} · {1} classes: {2}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PreparedView</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Nothing yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>What the network saw</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>cut from the middle</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>ink found and centred</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>stretched to fit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>whole picture, padded</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>PreparingPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source> pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Another picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Colours</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Cut from the middle</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Every picture is brought to one size. Larger inputs keep finer detail and take longer to learn from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Fit</source>
   <extracomment>How a picture is brought to the network's size: stretched, cropped or padded.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Ink found and centred (28×28 drawings)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Preparing</source>
   <extracomment>A page of the wizard: how pictures are prepared for the network.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Side of the input in pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Stretched</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>The model that it starts from was made for this input, so it stays as it is.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>The picture as it is</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>What should the network see of a picture?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Whole picture, padded</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Your picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>{0} pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>{0}×{1} pixels</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ProbabilityBars</name>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Answer and scores</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Filter classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Hide its scores</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>No answer: this is not the kind of picture that it learned from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>No class of that name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Not sure: {first} {high}, {second} {low}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Perhaps</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Scores of the classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show all {count} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show its scores all the same</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show the first {count}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Wrong: it is {label}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>model score</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>perhaps {label}  {score}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>probability</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} digits, read one by one: {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} has the higher score, {1}, and is answered from {2} on only.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} is answered from {1} on and has {2}; the higher score is that of {3}, {4}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0}, by the threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{label} is answered from {value} on</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ProjectsBar</name>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>, {0} a second</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>A folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Add pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>All projects</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Files…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Find copies…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Group alike…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Heaps of pictures that are alike, to be named at once</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Pause</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Pictures looked at</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Redo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>The same picture twice, near copies, and pictures taken in one go</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Undo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>{0} of {1} looked at</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>{0} pictures found</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>RadiologyBar</name>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Bone</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Brain</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Centre {0}, width {1}{2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Custom window</source>
   <extracomment>Radiology: a window that the user has set.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Drag in the picture to measure</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Drag in the picture: across: width, down: level</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Exchange dark and light</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>File</source>
   <extracomment>The window (range of grey values) that the DICOM file itself names.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Header…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Invert</source>
   <extracomment>Exchange dark and light of the picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Lung</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Ruler</source>
   <extracomment>A tool to measure distances in a picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Soft tissue</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>The header of the DICOM file; the patient's data stay hidden until asked for</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Whole range</source>
   <extracomment>Radiology: a window over all grey values of the picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Window</source>
   <extracomment>Radiology: the range of grey values that is shown (centre and width), not a window of the screen.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Windows</source>
   <extracomment>Radiology: ranges of grey values (centre and width) to choose from.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Windows of the file and usual ones</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>for viewing only: the network used its own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>no scale in this file: measured in pixels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} at {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} mm</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} pixels</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Rail</name>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Help</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Help and shortcuts (F1)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Views</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>{0}: {1} % done</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Reasons</name>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It has less contrast than nearly all pictures the model learned from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It has more contrast than nearly all pictures the model learned from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It holds more pieces of ink than are read one by one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is darker than nearly all pictures the model learned from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is lighter than nearly all pictures the model learned from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is more colourful than nearly all pictures the model learned from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is unlike the pictures that the model learned from.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>Much of it is neither paper nor ink.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>Several pieces of ink stand apart in it; the model reads one digit.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Recipes</name>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Build upon a model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Build upon {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Every layer goes on learning from where {0} stands, with your pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>First a new last layer learns alone, then the last layers of {0} are tuned slowly with it. For some hundred pictures or more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Fovea's own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Go on with a model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>{0} stays as it is; only a new last layer learns from what it sees in each picture. Needs few pictures, and an epoch takes seconds.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>{0}, fine-tuned</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ReportTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>No path of this computer is written into any of these files.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Save what was found</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Show all names of files all the same</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Show the worst mistakes with their pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>The pictures are not at hand: reports come without them.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Write a key beside it: which number is which file (not to be handed on)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Writing</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ResultsModel</name>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>An unfamiliar kind of picture, so no class is the answer. The highest score is that of {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Familiar</source>
   <extracomment>Head of a column with yes or no: whether the picture is of a kind that the model knows.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Next best</source>
   <extracomment>The class with the second highest score.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>No answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Notices</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Problem</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Score</source>
   <extracomment>The number beside an answer, 0 to 1.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>Stopped at {done} of {total}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Time</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>no</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>other classes: {count}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>unfamiliar: {count}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>yes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>{0} {1:.9g}, {2} {3:.9g}: decided by the model's threshold.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} shown</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} unreadable</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{done} of {total}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ResultsPage</name>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Accuracy so far</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>All evaluations</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Back to all evaluations</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Calibration</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Compare</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Curves</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Does it work here?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Mistakes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Parts of the evaluation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Per class</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Report</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Stopped early: only {0} pictures were answered, about the same share of every class. Figures of all of the data may differ.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>largest sensitivity + specificity (Youden) on this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>nothing answered yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>sensitivity of {0} % or more on this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>specificity of {0} % or more on this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} of {1} pictures have no answer and count in no figure below. 'About the data' lists them with the reasons.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} on {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} without an answer</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ResultsPane</name>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Classify all again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Hide the results</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Progress of the folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Results</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>These are the results of {0}, not of {1}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} images/s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} of {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ResultsTable</name>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>All answers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>All {0} rows…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>CSV tables (*.csv)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export CSV</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export progress</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export results</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>File names and folders below the chosen one…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Filter by name, folder or answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Filter…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Full paths…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Hidden names, with a key beside the table…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Only unreadable</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Other ways to export</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Results</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Results table</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Score below</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Show only scores below</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Show only this answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Summary</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>The {0} rows shown…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Unfamiliar kind</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>any</source>
   <extracomment>A choice of a filter: whatever it is.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>{count} rows written to {name}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>RunStrip</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Progress of the evaluation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Starting an engine…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Stopping; what is answered is kept…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Working out figures and intervals…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} images/s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} of {1} images</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>RunsModel</name>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Begun</source>
   <extracomment>When a training was begun.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Device</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Preset</source>
   <extracomment>A ready-made set of settings for a training.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Run</source>
   <extracomment>One training with its plan, curves and figures, as it is kept.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Runs</source>
   <extracomment>Trainings that are kept, with their plans, curves and figures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Time spent</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the best epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the finished model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>{0} of {1}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>RunsTab</name>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Accuracy: validation strong, training thin</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Choose one or several runs to see their curves on one plot.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Continue</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Curves of the runs: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Delete</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Export curves…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Filter by name, data, preset or state</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Filter the runs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Loss: validation strong, training thin</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No epoch of it is finished.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No run fits the filter.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No run yet. Every training is kept here, with its plan, its curves and its figures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Open folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Open the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Repeat with changes…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Setting</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Settings of the plan</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>The plan. Choose a second run (Ctrl and click) to see what differs.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>The two plans are the same in everything that shapes the model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Train further…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Two chosen runs: what differs between their plans.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation accuracy of the chosen runs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation loss of the chosen runs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>What differs between the two plans</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>{0}, training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>“{0}” is training. Cancel it, then delete its run.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Samples</name>
  <message>
   <location filename="../../resources/samples" />
   <source>China</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 0 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 0 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 1 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 2 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 2 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 3 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 3 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 4 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 4 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 corner</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 6 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 6 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 photo</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 8 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 8 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 9 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 9 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Flower</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern chequerboard</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern gradient</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern lorry</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern ship</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Phantom chest</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ScoresModel</name>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>Answered from {value} on</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer, right</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer, wrong</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the true class</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>SearchDialog</name>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>A search trains the same data several times with other settings and shows which did best on the validation pictures. Each trial learns from those before it; poor ones end early.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Batch size: half, the same, twice</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Dropout: 0, 0.2, 0.4</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>End poor trials early</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Learning rate: a tenth to ten times as large</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Name of the search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>New Search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Optimizer: AdamW, Adam, SGD</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Other settings to vary</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Others, one a line, for instance:
fit.label_smoothing = 0 | 0.1
fit.epochs = 10 | 20</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Start search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>The training to vary</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>This network has no dropout.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Trials</source>
   <extracomment>Trainings of a search for better settings.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Vary</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Weight decay: 0, 0.0001, 0.01</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>SearchesTab</name>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>, best {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>1 trial</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>A search is running. Stop it, then begin another.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>A search trains the same pictures several times with other settings (learning rate, batch size and more) and shows which did best. It begins from a training that was made before.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Done</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>End after the batch at hand; the search can go on later</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Failed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Its run is not on this computer: it was trained on another one, or deleted.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Let Fovea find better settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Make a model of the best trial</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>New search…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Progress of the search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Running</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Searches</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Show its run</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Stop</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Stopped early</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>The search “{0}” is done: a model can be made of its best trial.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>The search “{0}” was stopped; Go on takes it up.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>This search was begun on the command line: 'fovea search' goes on with it there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Time spent</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Trial</source>
   <extracomment>One training of a search for better settings.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Trials</source>
   <extracomment>Trainings of a search for better settings.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Try what is left of this search</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Validation accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Waiting</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>stopping after this batch…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>the next trial begins…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>trial {0}: epoch {1} of {2}, validation loss {3}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0} trials</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0} – best</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0}. The strong line is the best; thin lines that end early were stopped early.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>“{0}”: {1} of {2} trials done</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Session</name>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The engine stopped ({0}) and is being started again; your images are classified again.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The engine stopped several times ({0}). Start Fovea again to classify more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The part of Fovea that opens pictures stopped several times ({0}). Start Fovea again to see more.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Settings</name>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>Settings cannot be saved ({0}). Fovea works, but forgets them at the end.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>The settings file was damaged. Fovea starts with its defaults; the damaged file was kept as {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>{0}. Fovea starts with its defaults and does not save over the file.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>SettingsDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Classes shown at first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Dark</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Everything here stays on this computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Forget recent folders</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Language</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Light</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Like the system</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>More than one makes each of them slower; they share the computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Start with the images from last time</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>The window is drawn anew in it; your images stay.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Their places are kept among Fovea's own data on this computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Theme</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Theme: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Trainings at the same time</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>SettingsPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source> epochs without a better one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>As they are</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Back to the starting point's settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Batch size</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Compute in 16 bits where the device gains by it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Constant</source>
   <extracomment>A schedule: the learning rate stays the same.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Cross-entropy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Cycles of the schedule</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Dropout</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Falls in steps</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Falls like a cosine</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>For several new layers, or settings of your own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Frequent classes are drawn less often</source>
   <extracomment>'Drawn': picked by chance (undersampling), not sketched.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How a step is made from the errors.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How long and how fast should it learn?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How often it goes through all pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How often the rate rises and falls; each peak is half the one before.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Keeps it from being too sure; 0 is off.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Keeps weights small; 0 is off.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>L1 penalty</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>L2 penalty</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Label smoothing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Learning</source>
   <extracomment>A page of the wizard: how long and how fast the network learns.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Learning rate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Mean squared error</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>More settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Optimizer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Pictures looked at before each small step.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Pushes needless weights to zero; 0 is off.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rare classes are drawn more often</source>
   <extracomment>'Drawn': picked by chance (oversampling), not sketched.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rare classes weigh more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rises, then falls</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>SGD with momentum</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Saves time once nothing gets better.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Schedule of the rate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Share of features left out at random while learning; against learning by heart.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Shrinks weights a little at every step; 0 is off.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Smaller steps towards the end settle better.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Stop early after</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The highest validation accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The largest class has {0} times as many pictures as the smallest. Left as they are, the answers lean towards the frequent one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The last one</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The lowest validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The network of that epoch becomes the model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The size of a step: too large never settles, too small takes for ever.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The starting point brought settings that work. You can change any of them, or just go on.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>There is nothing to set. What the network sees in each picture is computed once; then several linear classifiers are worked out from it, and the one that is best on pictures it did not learn from becomes the model. That takes seconds, and with few pictures it is usually better than anything slower.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Train the last layer step by step instead</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Uneven classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Weight decay</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>What counts as an error, and how much.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>What to do where one class has many more pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Which epoch counts</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Write TensorBoard logs into the run's folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>never</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>SetupPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source> and {0} more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Choose…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Match class names…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open the kept result</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Other folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Reading the folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Split of the data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>What Fovea noticed about this data</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>all of them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>{0} images in {1} classes: {2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>• and {0} more</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Shell</name>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>A file that is opened from the desktop will not come to this window: no connection for it could be made. Drop it here instead.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Fovea is running already, but does not answer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Wait until its window answers, or end it, then try again. Nothing was opened.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>SplitPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Check</source>
   <extracomment>A page of the wizard: how many pictures are kept aside to check the network with (validation).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Checked with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Details</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Draw differently</source>
   <extracomment>Choose other pictures by chance.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>How many pictures are kept aside to check it?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>It never learns from these. After every epoch they show how well it does on pictures it has not seen; they also choose the best epoch and set how sure it may sound.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Keep all pictures of one person on one side (recommended)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Learns from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>No picture is left to check {0}: all of its pictures belong together (copies, or of one person), so they stay on one side. Whether it knows this class will not be known.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>None is lost: the pictures are divided into five parts, each is checked by a head that learned from the other four (cross-validation), and the model then learns from all of them. The figures count them all.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Only 1 picture is left to check the smallest class: no figure can be given for it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Only {0} pictures are left to check the smallest class: under 20, no figure can be given for it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Open the data's own test split once, at the end, for the model's card</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Pictures of each class on either side</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Seed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Seed of the draw</source>
   <extracomment>The number that the random choice of pictures begins from.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Share kept aside, in percent</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The data brings its own pictures for checking; those are used.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The names of files or folders (or DICOM headers) tell {0} people or cases apart, several with more than one picture. With pictures of one person on both sides the check would be too kind.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The same seed draws the same pictures and starts from the same weights, so a training can be repeated. The lists are kept with the run.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>every picture is used once for checking</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>{0} % · about {1} pictures</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Starter</name>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>All files (*)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Open a Labelled Folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Start from a Plan File</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>The model that came of this training is not there any more; repeat it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Training plans (*.json)</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>StartingPointPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>As before</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Epochs for the new last layer alone</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Features of the layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Its author reports: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Kind</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layer whose features are used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layers of the network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layers tuned, from the end</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Made for: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Output</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Published systems</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Recommended</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Starting points</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>The recommended one suits your pictures. The others are for comparing, or for building upon a model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>The settings of the training '{0}'.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Where should it start?</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>its last spatial map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>what its last layer gets (recommended)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>{0} parameters · about {1} MB of memory while it learns</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>{0} tells {1} classes apart; the new model will know only the {2} of your data. It can no longer answer: {3}. To keep them, add pictures of each to your data.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>StepList</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Step {0} of {1}: {2}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Strip</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Pictures of the heap</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Suiting</name>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like a chest X-ray.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like a handwritten digit.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like an everyday photo.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>SummaryPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source> · at most {0} of them are learned from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source> · {0} left out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>'fovea train --plan FILE' follows it in the terminal</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>1 epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Checked with</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Input</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Learning</source>
   <extracomment>A page of the wizard: how long and how fast the network learns.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Name</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Name of the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>On the command line: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Ready to learn</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Save as a plan file…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Save the Plan</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Start</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>The plan was not written ({0}).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Training goes on in the background while you work; you can pause it, stop it, close Fovea and take it up again. The model then stands beside the others.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Variety</source>
   <extracomment>A page of the wizard: changes made to training pictures (data augmentation).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>a new last layer on top of {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>all of them, each by a last layer that did not learn from it (cross-validation)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>colour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>cut from the middle</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>goes on with the model {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>grey</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>ink found and centred</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>stretched</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>the data's own validation pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>whole picture, padded</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>worked out in {0} ways, the best one is kept; takes seconds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0} epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0} of them, about {1} pictures, drawn with the seed {2}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, batches of {1}, {2} at a rate of {3}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, its last layer tuned</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, its last {1} layers tuned</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}: {1} pictures in {2} classes ({3})</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>TeachStart</name>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Begin with a folder…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Drop unsorted pictures or folders here, say what a few of them are, and Fovea suggests the rest. Your files stay where they are and are never changed; nothing leaves this computer.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>New project…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Teach Fovea to tell your pictures apart</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Your projects</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>{0}:  {1} of {2} pictures labelled, {3} classes, {4}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>{0}: cannot be opened ({1})</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>TeachView</name>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>A Folder of Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Add Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>All {0} pictures were here already.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Delete…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Done again: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Drop pictures, folders or archives to add them to “{0}”</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Drop pictures, folders or archives to begin a project with them</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Duplicate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Find moved pictures…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Make it a model…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Name of the project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>New Project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>No pictures were found there. Fovea reads JPEG, PNG, TIFF, HEIC, WebP, DICOM and more.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Rename the Project</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Rename…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Teach</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>The project “{0}” is back.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Undone: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>a change of the classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>adding {0} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>importing {0} labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>labelling {0} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>merging a class of {0} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>removing {0} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>starring {0} pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>taking back {0} labels</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} pictures were added.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} pictures were added; {1} were here already.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} places could not be read.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>“{0}” was deleted; Undo brings it back. Your files were not touched.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>“{0}” was duplicated.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>ThresholdBar</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>'{0}' from a score of</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Choose for me</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Largest sensitivity + specificity (Youden)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Sensitivity of {0} % or more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Specificity of {0} % or more</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>The model's own decision</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Threshold</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Threshold as a number</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>chosen by hand on this data</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Tools</name>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Delete</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Eraser</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Export the drawing…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>For pens of graphics tablets and touch screens</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>New sheet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Pen</source>
   <extracomment>A tool to draw with.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Pen pressure changes the width</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Picture below the strokes…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Redo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Take the picture below away</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Thick</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Thin</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Undo</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Width of the stroke</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>{0} % of the sheet</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>Train</name>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Calibrating the scores</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cancelling…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Computing features</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cut off</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cut off after {0} of {1} epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Done</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Done, the model is ready</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Epoch {0} of {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Evaluating</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Exporting the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Failed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Measuring where it can be trusted</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Paused</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Paused in epoch {0} of {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Pausing after this batch…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Preparing the images</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Running</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Starting…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopped</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopped after {0} of {1} epochs</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopping after epoch {0}…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopping, keeping a checkpoint…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waiting</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waiting for its turn</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waits since Fovea was closed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Writing the model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>a moment left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>about {0} left</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>{0}: {1} of {2}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>TrainView</name>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>A search varies the settings of a training. Make a training first; it may be short.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Drop a folder of class folders, or a training plan, to train a model</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Fovea closes when the running epoch is done and its model is in the store.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Runs</source>
   <extracomment>Trainings that are kept, with their plans, curves and figures.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Searches</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>The training “{0}” ended: {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings were taken up again, as you asked: {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” goes on where it was: after epoch {1} of {2}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” is back among the runs.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” is trained and can now be chosen as a model.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” was deleted. Undo brings it back, for thirty days.</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>TrainingTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures by epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Seconds</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>This model came without the story of its training.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Validation accuracy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Validation loss</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>epoch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>validation</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>TrainingWizard</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Back</source>
   <extracomment>Button of a wizard: the page before.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>New Training</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Next</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Start training</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>TruthPanel</name>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>A button or its key keeps the drawing, with its true label, for training.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Keep the drawing as {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Keep the drawing with its true label</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>None kept yet.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Open the folder</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Take the last one back</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>That was a {0}</source>
   <extracomment>The user says which digit a drawing was meant to be.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>That was a …</source>
   <extracomment>The user says which digit a drawing was meant to be; buttons 0 to 9 follow.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>{0} kept ({1})</source>
   <extracomment>Number of drawings kept, and how many of each digit.</extracomment>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>UpdatesDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>&amp;Address</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Address of the update file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Cancel the check</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Check &amp;now</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Check for Updates</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Files and their checksums: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Fovea never looks for updates by itself. When you ask, it reads one small file at the address below and tells you what it says. Nothing about you, this computer or your pictures is sent.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Fovea {0} of {1} is newer than this one.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Reading the update file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>The check was cancelled.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>This is Fovea {0}.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>This is the newest version that the file tells of ({0}).</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>https://… (empty: off)</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>WhyBar</name>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Ask again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Asking the network for gradients… The first time TensorFlow is loaded for it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright areas point towards “{0}”.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright areas point towards “{0}”. The network takes each feature where it is strongest, so single spots count.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright: covering this part lowers the score of “{0}”.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancelled before a map was there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancelled: {0} of {1} parts were covered, the others not.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Class to explain</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Close</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Covering one part after the other: {0} of {1}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Covering parts</source>
   <extracomment>A method: parts of the picture are covered one after the other (occlusion).</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Found by</source>
   <extracomment>By which method the map was found that shows where the network looked.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Gradients (Grad-CAM)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>How to find out</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>How to find out where the network looked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>It shows where the network looked, not whether it is right.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Its own map (CAM)</source>
   <extracomment>A method: class activation mapping.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Looking…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Nothing in the picture points towards “{0}”.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Overlay</source>
   <extracomment>How strongly the heat map covers the picture.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Shown on what the network saw, at the right: the ink was moved and scaled.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Strength of the overlay</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>The class that the bright places point towards</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>The map is coarse: {0} × {1} places.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Where the network looked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>points most towards the class</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_Cards</name>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Damaged: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Has no classes of its own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed, to build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed · {0} to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not made yet · nothing to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not measured</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>With Fovea</source>
   <extracomment>Models that come with the program.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Yours</source>
   <extracomment>Models that the user made or brought in.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} · {1}×{1} colour</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_CellDelegate</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_Combo</name>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Choose a model</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_Delegate</name>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Damaged: {0}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Has no classes of its own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed, to build upon</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed · {0} to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not made yet · nothing to fetch</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not measured</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>With Fovea</source>
   <extracomment>Models that come with the program.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Yours</source>
   <extracomment>Models that the user made or brought in.</extracomment>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} classes</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} · {1}×{1} colour</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_Enlarged</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>What the network saw</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_JobDelegate</name>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>best epoch: {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_Pictures</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} pictures</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_Pixels</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Click to enlarge</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Enlarge what the network saw</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Nothing yet</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_Row</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation type="unfinished" />
  </message>
 </context>
 <context>
  <name>_TurnedHeader</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation type="unfinished" />
  </message>
 </context>
</TS>
