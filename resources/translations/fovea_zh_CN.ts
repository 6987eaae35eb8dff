<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
 <context>
  <name />
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>A file that is opened from the desktop will not come to this window: no connection for it could be made. Drop it here instead.</source>
   <translation>从桌面打开的文件不会传到此窗口：无法为其建立连接。请改为拖放到这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Fovea is running already, but does not answer.</source>
   <translation>Fovea 已在运行，但没有响应。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>类别名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Wait until its window answers, or end it, then try again. Nothing was opened.</source>
   <translation>请等到其窗口有响应，或结束它，然后重试。没有打开任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>共 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures in {1} classes</source>
   <translation>{0} 张图片，{1} 个类别</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0 至 1（除以 255）</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0 至 1，减去 ImageNet 均值，再除以其标准差 (PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0 至 255，保持原样</translation>
  </message>
  <message>
   <source>Begun</source>
   <translation type="vanished">开始时间</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">检查时间</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">来源</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">署名</translation>
  </message>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">已损坏：{0}</translation>
  </message>
  <message>
   <source>Data</source>
   <translation type="vanished">数据</translation>
  </message>
  <message>
   <source>Device</source>
   <translation type="vanished">设备</translation>
  </message>
  <message>
   <source>Epochs</source>
   <translation type="vanished">轮数</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">没有自己的类别</translation>
  </message>
  <message>
   <source>HeatPicture</source>
   <translation type="vanished">HeatPicture</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">已安装</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">已安装，可在其基础上继续</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">许可证</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">网络</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未安装</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未安装 · 需下载 {0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">尚未制作 · 无需下载</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未测量</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">参数</translation>
  </message>
  <message>
   <source>Preset</source>
   <translation type="vanished">预设</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">所报告的</translation>
  </message>
  <message>
   <source>Run</source>
   <translation type="vanished">训练</translation>
  </message>
  <message>
   <source>Runs</source>
   <translation type="vanished">训练记录</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">下载大小</translation>
  </message>
  <message>
   <source>State</source>
   <translation type="vanished">状态</translation>
  </message>
  <message>
   <source>Time spent</source>
   <translation type="vanished">已用时间</translation>
  </message>
  <message>
   <source>Validation accuracy</source>
   <translation type="vanished">验证准确率</translation>
  </message>
  <message>
   <source>Validation loss</source>
   <translation type="vanished">验证损失</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">随 Fovea 提供</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">你的模型</translation>
  </message>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最佳轮：{0}</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">蓝、绿、红，减去 ImageNet 均值 (Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">图片如何调整大小</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">像素如何输入</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">其类别</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">其名称</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">其大小</translation>
  </message>
  <message>
   <source>of the best epoch</source>
   <translation type="vanished">最佳轮的值</translation>
  </message>
  <message>
   <source>of the finished model</source>
   <translation type="vanished">完成的模型的值</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">其输出是什么</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0} 个类别</translation>
  </message>
  <message>
   <source>{0} of {1}</source>
   <translation type="vanished">{0} / {1}</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} 彩色</translation>
  </message>
  <message>
   <source>{0} – best</source>
   <translation type="vanished">{0} – 最佳</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1 至 1</translation>
  </message>
 </context>
 <context>
  <name>AboutDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>About Fovea</source>
   <translation>关于 Fovea</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Classifies images on your own computer, offline. Free software under the Apache License 2.0.</source>
   <translation>在你自己的计算机上离线对图片分类。依据 Apache License 2.0 发布的自由软件。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Copy versions</source>
   <translation>复制版本信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Parts and licences</source>
   <translation>组件与许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Qt and PySide6 are used under the LGPL, version 3. A model's licence and credits are on its card.</source>
   <translation>Qt 和 PySide6 依据 LGPL 第 3 版使用。模型的许可证和署名见其卡片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>System</source>
   <translation>系统</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Version {0}</source>
   <translation>版本 {0}</translation>
  </message>
 </context>
 <context>
  <name>AdviceRow</name>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>A medical model is never chosen by itself.</source>
   <translation>医疗模型绝不会被自动选用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Use that model</source>
   <translation>使用该模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Use the model {0}</source>
   <translation>使用模型 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Which model would suit</source>
   <translation>哪个模型合适</translation>
  </message>
 </context>
 <context>
  <name>AnswerColumn</name>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>Model</source>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>The scores are of digit {0} of {1}. The arrow keys or a click on its label choose another.</source>
   <translation>得分属于第 {0} 个数字，共 {1} 个。用方向键或单击其标签可选择另一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>What was read</source>
   <translation>识别结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>{0} ms from the stroke to the answer · {1}</source>
   <translation>从笔画到答案 {0} 毫秒 · {1}</translation>
  </message>
 </context>
 <context>
  <name>AnswerPane</name>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>About this model</source>
   <translation>关于此模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Classifying…</source>
   <translation>正在分类…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Damaged</source>
   <translation>已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Install the weights of this model</source>
   <translation>安装此模型的权重</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Install…</source>
   <translation>安装…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Model</source>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>No answer. The reason is below the picture.</source>
   <translation>没有答案。原因见图片下方。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Opening {0} ms, preparing {1} ms, network {2} ms</source>
   <translation>打开 {0} 毫秒，预处理 {1} 毫秒，网络 {2} 毫秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Starting the engine…</source>
   <translation>正在启动引擎…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>The answer appears here once an image is open.</source>
   <translation>打开图片后，答案显示在这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>The answer to what the camera sees appears here.</source>
   <translation>摄像头所见内容的答案显示在这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Weights not installed</source>
   <translation>未安装权重</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>{0} answers a second · {1} ms · {2}</source>
   <translation>每秒 {0} 个答案 · {1} 毫秒 · {2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>{0} ms · {1}</source>
   <translation>{0} 毫秒 · {1}</translation>
  </message>
 </context>
 <context>
  <name>Asking</name>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Another job on models runs: wait for it, or cancel it.</source>
   <translation>另一项模型作业正在进行：请等待，或取消它。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Export</source>
   <translation>导出</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Import a Model</source>
   <translation>导入模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Models (*.keras *.h5 *.hdf5 *.tflite *.zip)</source>
   <translation>模型 (*.keras *.h5 *.hdf5 *.tflite *.zip)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Rename</source>
   <translation>重命名</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>The model's name</source>
   <translation>模型的名称</translation>
  </message>
 </context>
 <context>
  <name>AugmentPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Again</source>
   <translation>再来一次</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Also, from the starting point: {0}</source>
   <translation>此外，来自起点：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Another picture</source>
   <translation>另一张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Brightness</source>
   <translation>亮度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Contrast</source>
   <translation>对比度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Corners filled with</source>
   <translation>角落填充</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>In each epoch every picture comes a little different, so few pictures go further. Choose only changes after which the right answer is still the same: a mirrored 'b' is a 'd'.</source>
   <translation>每一轮中每张图片都略有变化，因此少量图片也能发挥更大作用。只选择变化后正确答案仍相同的变化：镜像的“b”就成了“d”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Lighter or darker by up to this share.</source>
   <translation>变亮或变暗，最多为此比例。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Made larger or smaller by up to this share.</source>
   <translation>放大或缩小，最多为此比例。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Mirror left and right</source>
   <translation>左右镜像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Mirror up and down</source>
   <translation>上下镜像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Moved by up to this share of the side.</source>
   <translation>移动，最多为边长的此比例。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>None</source>
   <extracomment>A choice: none of it.</extracomment>
   <translation>无</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Not used here: the features of each picture are computed once.</source>
   <translation>这里不使用：每张图片的特征只计算一次。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Recommended</source>
   <translation>推荐</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Rotation</source>
   <translation>旋转</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Sample {0}</source>
   <translation>示例 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Shear</source>
   <translation>错切</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Shift</source>
   <translation>平移</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Slanted by up to so many degrees.</source>
   <translation>倾斜，最多为此度数。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Stronger or weaker contrast.</source>
   <translation>对比度增强或减弱。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>The picture as it is prepared</source>
   <translation>预处理后的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Top left: the picture as prepared; the others: what training makes of it</source>
   <translation>左上：预处理后的图片；其余：训练对它的变化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Turned by up to so many degrees either way.</source>
   <translation>向两侧旋转，最多为此度数。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Variety</source>
   <extracomment>A page of the wizard: changes made to training pictures (data augmentation).</extracomment>
   <translation>变化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>What fills the corners that come into view</source>
   <translation>露出的角落用什么填充</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Which changes should it learn not to mind?</source>
   <translation>它应学会不受哪些变化的影响？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Zoom</source>
   <translation>缩放</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>black</source>
   <translation>黑色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>mirrored left and right</source>
   <translation>左右镜像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>mirrored up and down</source>
   <translation>上下镜像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation>无</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>off</source>
   <extracomment>A setting that is switched off.</extracomment>
   <translation>关</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the edge drawn out</source>
   <translation>边缘延伸</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the other side</source>
   <translation>对侧内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the picture mirrored</source>
   <translation>图片镜像</translation>
  </message>
 </context>
 <context>
  <name>CalibrationTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Accuracy against share answered</source>
   <translation>准确率与回答比例的关系</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Accuracy against share answered, as a table</source>
   <translation>准确率与回答比例（表格）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>All answered: {0} right</source>
   <translation>全部回答：{0} 正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Answered</source>
   <translation>已回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>From a score of</source>
   <translation>得分不低于</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Lower is better. The model gives: {0}.</source>
   <translation>越低越好。该模型给出：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Mean score</source>
   <translation>平均得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Nothing was answered.</source>
   <translation>没有任何回答。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Reliability</source>
   <translation>可靠性</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Reliability as a table</source>
   <translation>可靠性（表格）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Right among them %</source>
   <translation>其中正确 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Score</source>
   <extracomment>The number beside an answer, 0 to 1.</extracomment>
   <translation>得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Share answered as a table</source>
   <translation>回答比例（表格）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Share right %</source>
   <translation>正确比例 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>images answered, the surest first</source>
   <translation>已回答的图片，最确定的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>right among them</source>
   <translation>其中正确的比例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>share right</source>
   <extracomment>Axis of a plot: share of right answers.</extracomment>
   <translation>正确比例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>top score (shaded: how many images)</source>
   <translation>最高得分（阴影：图片数量）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>{0} to {1}</source>
   <translation>{0} 至 {1}</translation>
  </message>
 </context>
 <context>
  <name>CameraPane</name>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>A network camera…</source>
   <translation>网络摄像头…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>A video file…</source>
   <translation>视频文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Address of the camera (rtsp://, http:// or https://):</source>
   <translation>摄像头地址（rtsp://、http:// 或 https://）：</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Camera</source>
   <translation>摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Close the camera</source>
   <translation>收起摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Keep this frame</source>
   <translation>保存此帧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Look for cameras again</source>
   <translation>重新查找摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Looking for cameras…</source>
   <translation>正在查找摄像头…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Network Camera</source>
   <translation>网络摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>No camera</source>
   <translation>没有摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>No camera was found. Plug one in, then look for cameras again; a video file or a network camera can be chosen above.</source>
   <translation>未找到摄像头。请接上一个，然后重新查找；也可在上方选择视频文件或网络摄像头。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Nothing is stored unless you keep it.</source>
   <translation>除非你保存，否则不会存储任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Open a Video as a Camera</source>
   <translation>将视频作为摄像头打开</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Put the frame that is shown into the list of images (Return)</source>
   <translation>将当前显示的帧放入图片列表 (Return)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>The camera is off.</source>
   <translation>摄像头已关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>The video breaks off before its end: the file is cut short or damaged.</source>
   <translation>视频在结尾前中断：文件不完整或已损坏。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>The video is over.</source>
   <translation>视频已结束。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>This comes over the network from {0}.</source>
   <translation>此画面通过网络来自 {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turn off</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turn on</source>
   <translation>打开</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turn the camera off and close it (Escape)</source>
   <translation>关闭摄像头并收起 (Escape)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turning on…</source>
   <translation>正在打开…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Videos ({0})</source>
   <translation>视频 ({0})</translation>
  </message>
 </context>
 <context>
  <name>CameraPart</name>
  <message>
   <location filename="../../desktop/ui/classify/camera_part.py" />
   <source>Camera {0} {1}</source>
   <translation>摄像头 {0} {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/camera_part.py" />
   <source>Kept as {0}; it is an image of the list now.</source>
   <translation>已保存为 {0}；它现在是列表中的一张图片。</translation>
  </message>
 </context>
 <context>
  <name>CameraScreen</name>
  <message>
   <location filename="../../desktop/ui/widgets/camera_screen.py" />
   <source>What the camera sees</source>
   <translation>摄像头所见</translation>
  </message>
 </context>
 <context>
  <name>CancelQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Cancel the training</source>
   <translation>取消训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End and discard</source>
   <translation>结束并丢弃</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End and keep what it learned</source>
   <translation>结束并保留所学</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End the training “{0}” now?</source>
   <translation>现在结束训练“{0}”吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on training</source>
   <translation>继续训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>No epoch is done yet.</source>
   <translation>尚未完成任何一轮。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>No model is made either way.</source>
   <translation>两种情况下都不会生成模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>{0} of {1} epochs are done. It can be taken up from there later.</source>
   <translation>{1} 轮中已完成 {0} 轮。以后可以从那里继续。</translation>
  </message>
  <message>
   <source>End and keep the checkpoint</source>
   <translation type="vanished">结束并保留检查点</translation>
  </message>
  <message>
   <source>{0} of {1} epochs are done. With its checkpoint it can be taken up later.</source>
   <translation type="vanished">已完成 {0} / {1} 轮。凭借检查点，以后可以继续。</translation>
  </message>
 </context>
 <context>
  <name>CardList</name>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Models</source>
   <extracomment>A view of the window: trained models (networks), not people or cars.</extracomment>
   <translation>模型</translation>
  </message>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">已损坏：{0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">没有自己的类别</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">已安装</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">已安装，可在其基础上继续</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未安装</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未安装 · 需下载 {0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">尚未制作 · 无需下载</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未测量</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">随 Fovea 提供</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">你的模型</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0} 个类别</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} 彩色</translation>
  </message>
 </context>
 <context>
  <name>CardTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Model card</source>
   <translation>模型卡片</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">检查时间</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">来源</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">署名</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">许可证</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">网络</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">参数</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">所报告的</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">下载大小</translation>
  </message>
 </context>
 <context>
  <name>Cards</name>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>5,216 training images of children aged one to five, Guangzhou Women and Children's Medical Center; about three in four show pneumonia (bacterial or viral).</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): population.</extracomment>
   <translation>5,216 张一至五岁儿童的训练图片，来自广州市妇女儿童医疗中心；约四分之三显示肺炎（细菌性或病毒性）。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>50,000 training images from the '80 million tiny images' collection, labelled by students.</source>
   <extracomment>Everyday things (CIFAR-10): population.</extracomment>
   <translation>来自“八千万微小图像”集的 50,000 张训练图片，由学生标注。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>60,000 training images by about 500 writers (employees of the US Census Bureau and high-school students).</source>
   <extracomment>Handwritten digits: population.</extracomment>
   <translation>约 500 名书写者（美国人口普查局雇员和高中生）的 60,000 张训练图片。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>A 1 with a long upstroke, leaning or turned, resembles a 7 and may be read as one; in a check of pens, papers and fonts all 1,240 drawn and printed digits were right, but other hands draw others.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation>起笔较长、倾斜或转动的 1 与 7 相似，可能被识别为 7；在对笔、纸和字体的检查中，全部 1,240 个手绘和印刷数字均正确，但不同的手写法各异。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>A fifth of VGG16's size and more accurate; looks at 299×299 pixels.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>大小为 VGG16 的五分之一，且更准确；查看 299×299 像素。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>A score is no guarantee: look at the prepared 28×28 picture when the answer surprises.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>得分不是保证：答案出人意料时，请查看预处理后的 28×28 图片。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Any picture gets a score, even one that is no X-ray, such as the drawn phantom that comes with Fovea (0.50 for pneumonia); a plain grey ramp scores 0.996. Both are flagged as not of its kind.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>任何图片都会得到得分，即使它不是 X 线片，例如 Fovea 附带的绘制体模（肺炎得分 0.50）；普通的灰度渐变得分为 0.996。两者都会被标记为不属于其类型。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Anything else is still given one of the ten names.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>其他任何东西仍会被赋予十个名称之一。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Backgrounds mislead: blue sky speaks for an airplane, water for a ship, green for a deer or frog.</source>
   <extracomment>Everyday things (CIFAR-10): known failures.</extracomment>
   <translation>背景会误导：蓝天偏向飞机，水偏向船，绿色偏向鹿或青蛙。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Be used in patient care of any kind.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): must not.</extracomment>
   <translation>用于任何形式的患者照护。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Be used where a wrong answer harms anybody, such as traffic or surveillance.</source>
   <extracomment>Everyday things (CIFAR-10): must not.</extracomment>
   <translation>用于错误答案会伤害任何人的场合，例如交通或监控。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Burnt-in letters, borders and tubes may sway the score. They alone do not give the label away: with the lungs covered the area under ROC on the test split is 0.41, no better than guessing.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation>烧录的文字、边框和导管可能影响得分。仅凭它们并不会泄露标签：遮住肺部后，测试集上的 ROC 曲线下面积为 0.41，不比猜测好。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Cats and dogs are mistaken for each other by far most often (155 of 2,000 test images); deer and birds, cats and frogs, automobiles and trucks follow with about 50 to 55 each.</source>
   <extracomment>Everyday things (CIFAR-10): known failures.</extracomment>
   <translation>猫和狗相互混淆最为常见，远超其他（2,000 张测试图片中有 155 张）；其次是鹿和鸟、猫和青蛙、汽车和卡车，各约 50 至 55 张。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Chest X-ray: signs of pneumonia (research)</source>
   <extracomment>The name of a model.</extracomment>
   <translation>胸部 X 线片：肺炎征象（研究用）</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Decide anything about people, health or safety.</source>
   <extracomment>VGG16 ImageNet: must not.</extracomment>
   <translation>决定任何涉及人、健康或安全的事情。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Diagnose, triage or treat anybody, or replace a physician's reading.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): must not.</extracomment>
   <translation>对任何人进行诊断、分诊或治疗，或代替医师的阅片。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Drawings, medical pictures, satellite pictures and pictures turned on their side are far from what it was trained on; it answers all the same.</source>
   <extracomment>VGG16 ImageNet: known failures.</extracomment>
   <translation>绘图、医学图片、卫星图片和横放的图片与其训练所用的相差很远；它照样给出答案。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>EfficientNet V2 B0 ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation>EfficientNet V2 B0 ImageNet</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Everyday photographs</source>
   <extracomment>A network's name.</extracomment>
   <translation>日常照片</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Everyday photographs of one clear object; teaching; a baseline to compare other networks with.</source>
   <extracomment>VGG16 ImageNet: intended use.</extracomment>
   <translation>含一个清晰物体的日常照片；教学；作为与其他网络比较的基线。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Everyday photographs, larger</source>
   <extracomment>A network's name.</extracomment>
   <translation>日常照片（较大）</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Everyday things (CIFAR-10)</source>
   <extracomment>The name of a model.</extracomment>
   <translation>日常事物 (CIFAR-10)</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Everything that has ink is given a digit: letters and scribbles too.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>凡有笔迹的都会得到一个数字：字母和涂鸦也是。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Fifty layers with shortcuts; a usual base for new classifiers.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>带有跳跃连接的五十层；新分类器的常用基础。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Gives frontal chest X-rays of small children a model score for signs of pneumonia. Research and education only; not a medical device.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): summary.</extracomment>
   <translation>对幼儿的正位胸部 X 线片给出肺炎征象的模型得分。仅用于研究和教育；不是医疗器械。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Handwritten digits</source>
   <extracomment>The name of a model.</extracomment>
   <translation>手写数字</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Healthy chests scored above the threshold (false positives) are the most frequent mistake: 21 of 234 on the test split, against 13 of 390 pneumonias missed; on validation it was the other way about: 1 of 162 healthy chests, and 33 of 467 pneumonias missed.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation>得分高于阈值的健康胸部（假阳性）是最常见的错误：在测试集上，234 张中有 21 张，相比之下 390 例肺炎中漏掉 13 例；在验证集上则相反：162 张健康胸部中有 1 张，467 例肺炎中漏掉 33 例。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Inception V3 ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation>Inception V3 ImageNet</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>It knows 1,000 classes, 118 of them breeds of dog, and answers with one of them whatever the picture shows: there is no class for 'something else'.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>它认识 1,000 个类别，其中 118 个是狗的品种，不论图片显示什么都以其中之一作答：没有“其他”这个类别。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its authors report that the right class is missing from the first five in 7.5 % of the validation pictures and 7.4 % of the test pictures of the challenge, looking at each picture densely and at several scales. Fovea looks once, at the middle of the picture, so expect more misses: about one in ten. Fovea has not measured it.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>其作者报告，在密集地以多种尺度查看每张图片时，挑战赛 7.5 % 的验证图片和 7.4 % 的测试图片的正确类别不在前五个之中。Fovea 只在图片中间看一次，因此预计遗漏更多：约十分之一。Fovea 没有测量过它。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its scores are model scores: nobody has checked here how often a score of 0.9 is right.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>它的得分是模型得分：这里没有人检查过得分 0.9 有多常正确。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its weights do not come with Fovea: until they are installed it is described here and does not answer.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>它的权重不随 Fovea 提供：安装之前，这里只有其描述，它不能回答。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Learned from one hospital, one population and one labelling: scores do not carry over to adults, other hospitals, other machines or views from the side.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>学习自一家医院、一个人群和一种标注：得分不能推及成人、其他医院、其他设备或侧位片。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>MobileNet V3 Small ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation>MobileNet V3 Small ImageNet</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>On the test images 4 and 9, 2 and 7, 1 and 7, 3 and 5 are mistaken for each other most often (4 images each of 10,000).</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation>在测试图片上，4 与 9、2 与 7、1 与 7、3 与 5 最常相互混淆（10,000 张中各 4 张）。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>One digit a picture in Classify: several digits are read as one shape. The drawing pad finds digits side by side, but not digits that touch.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>在“分类”中每张图片一个数字：多个数字会被当作一个形状。画板能找到并排的数字，但不能分开相连的数字。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>One digit at a time, dark ink on light paper or light on dark, of any size and place in the picture; learning and demonstration.</source>
   <extracomment>Handwritten digits: intended use.</extracomment>
   <translation>一次一个数字，浅色纸上的深色笔迹或深色底上的浅色笔迹，在图片中的大小和位置不限；用于学习和演示。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Photographs found on the web before 2012, mostly from Europe and North America, labelled by crowd workers.</source>
   <extracomment>VGG16 ImageNet: population.</extracomment>
   <translation>2012 年之前在网上找到的照片，大多来自欧洲和北美，由众包人员标注。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Photos from today's cameras differ from the web pictures of 2006 that it learned from; expect more mistakes than on the test set.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>今天的相机拍的照片不同于它学习所用的 2006 年网络图片；预计错误比测试集上更多。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Photos that show one of the ten things, large and near the middle; learning and demonstration.</source>
   <extracomment>Everyday things (CIFAR-10): intended use.</extracomment>
   <translation>显示十种事物之一的照片，较大且靠近中间；用于学习和演示。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Printed lines of ruled and squared paper are left out; boxes, forms and pictures around a digit may be taken for ink.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation>横格纸和方格纸的印刷线条会被略去；数字周围的方框、表格和图画可能被当作笔迹。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Read cheques, forms or meters without a person checking every digit.</source>
   <extracomment>Handwritten digits: must not.</extracomment>
   <translation>在没有人检查每个数字的情况下读取支票、表格或仪表。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Reads one handwritten digit, 0 to 9, from a drawing, scan or photo.</source>
   <extracomment>Handwritten digits: summary.</extracomment>
   <translation>从绘图、扫描件或照片中识别一个手写数字，0 至 9。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>ResNet50 V2 ImageNet</source>
   <extracomment>A network's name.</extracomment>
   <translation>ResNet50 V2 ImageNet</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Research and education only; not a medical device. The output is a model score, not a diagnosis.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): notice.</extracomment>
   <translation>仅用于研究和教育；不是医疗器械。输出是模型得分，不是诊断。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Research and education: to learn how such models work, and where they fail, on frontal chest X-rays of children aged one to five. The output is a model score, not a diagnosis.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): intended use.</extracomment>
   <translation>研究和教育：在一至五岁儿童的正位胸部 X 线片上了解此类模型如何工作，以及在何处失败。输出是模型得分，不是诊断。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Rotated, cropped, inverted or badly exposed images, and images of other body parts, get scores without meaning.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation>旋转、裁剪、反相或曝光不良的图片，以及其他身体部位的图片，得到的得分没有意义。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Sixteen layers, large and simple: the network that many papers compare with.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>十六层，大而简单：许多论文用来比较的网络。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Small and quick: made for telephones, and a good start for a classifier of your own.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>小而快：为手机设计，是自制分类器的良好起点。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Some classes overlap or are hard to tell apart even for people: 'sunglass' and 'sunglasses', 'screen' and 'monitor', 'projectile' and 'missile', related breeds.</source>
   <extracomment>VGG16 ImageNet: known failures.</extracomment>
   <translation>有些类别重叠，或连人也难以区分：'sunglass' 与 'sunglasses'、'screen' 与 'monitor'、'projectile' 与 'missile'，以及相近的品种。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Sorts a photo into ten everyday things: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.</source>
   <extracomment>Everyday things (CIFAR-10): summary.</extracomment>
   <translation>将照片归入十种日常事物：飞机、汽车、鸟、猫、鹿、狗、青蛙、马、船、卡车。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Strokes with wide gaps may lose a part when the digit is cropped.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation>间隙较大的笔画在裁剪数字时可能丢失一部分。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>The 16-layer network of the Visual Geometry Group, Oxford (configuration D of Simonyan and Zisserman, 2015), for the 1,000 classes of the ImageNet challenge of 2012.</source>
   <extracomment>VGG16 ImageNet: summary.</extracomment>
   <translation>牛津大学视觉几何组 (Visual Geometry Group) 的 16 层网络（Simonyan 与 Zisserman 2015 年的配置 D），用于 2012 年 ImageNet 挑战赛的 1,000 个类别。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The best answers for its size in this list.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>此列表中就其大小而言最好的答案。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The convolutions of VGG16 alone, a ninth of its size: it names nothing, but a new classifier can be built upon it.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>仅 VGG16 的卷积部分，大小为其九分之一：它不给出名称，但可在其上构建新的分类器。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>The images are stretched to a square and reduced to 224×224 pixels: fine signs are lost.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>图片被拉伸为正方形并缩小到 224×224 像素：细微征象会丢失。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>The middle square of the picture is scaled to 32×32 pixels: small or off-centre things are lost.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>图片中间的正方形被缩放到 32×32 像素：小的或偏离中心的事物会丢失。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>The picture is scaled until its shorter side has 256 pixels and the middle 224×224 is used: what lies outside is not seen.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>图片缩放到短边为 256 像素，使用中间的 224×224：其外的内容看不到。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 68.1 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>发布者报告首个答案正确率为 68.1 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 71.3 % right first answers and 90.1 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>发布者报告首个答案正确率为 71.3 %，前五个中为 90.1 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 75.1 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>发布者报告首个答案正确率为 75.1 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 76.0 % right first answers and 93.0 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>发布者报告首个答案正确率为 76.0 %，前五个中为 93.0 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 77.6 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>发布者报告首个答案正确率为 77.6 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 77.9 % right first answers and 93.7 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>发布者报告首个答案正确率为 77.9 %，前五个中为 93.7 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 78.7 % right first answers and 94.3 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>发布者报告首个答案正确率为 78.7 %，前五个中为 94.3 %。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>The threshold was chosen on children that training never saw, from the same source as the training images; on the separate test split fewer healthy chests, and more pneumonias, are recognised than there.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>阈值是在训练从未见过的儿童上选定的，其来源与训练图片相同；在单独的测试集上，识别出的健康胸部比那里少，识别出的肺炎则更多。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Trained and tested on JPEG copies (quality 75, 4:2:0) of CIFAR-10; figures are for these copies.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>在 CIFAR-10 的 JPEG 副本（质量 75，4:2:0）上训练和测试；指标针对这些副本。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Trained on digits written in the United States around 1990, some of them redrawn in training with the long upstroke of a 1 and the bar of a 7 that Europeans write.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>用 1990 年前后在美国书写的数字训练，其中一些在训练中被重画，带上欧洲人书写的 1 的长起笔和 7 的横杠。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Two answers only: other diseases, devices or a healthy chest of an older person still get one of them.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>只有两个答案：其他疾病、体内装置或年长者的健康胸部仍会得到其中之一。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>VGG16 ImageNet</source>
   <extracomment>The name of a model.</extracomment>
   <translation>VGG16 ImageNet</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>VGG16 without its top</source>
   <extracomment>A network's name.</extracomment>
   <translation>不含顶层的 VGG16</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>What is in this photo? Knows 1,000 things: animals, vehicles, food, tools, buildings.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>这张照片里有什么？认识 1,000 种事物：动物、车辆、食物、工具、建筑。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>What is in this photo? The same 1,000 things, looked at more closely: more often right, slower.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>这张照片里有什么？同样的 1,000 种事物，看得更仔细：更常正确，但更慢。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>sensitivity and specificity alike on 3 copies of the validation split, augmented as in training (629 pictures; training saw none of their persons)</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): why this threshold.</extracomment>
   <translation>在验证集的 3 份副本上灵敏度与特异度相当，副本按训练中的方式增强（629 张图片；训练没有见过其中的任何人）</translation>
  </message>
 </context>
 <context>
  <name>CautionStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Caution</source>
   <translation>注意</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Caution: {text}</source>
   <translation>注意：{text}</translation>
  </message>
 </context>
 <context>
  <name>Choosing</name>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Class names matched as you said.</source>
   <translation>类别名称已按你所说对应。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Open the result of {0}</source>
   <translation>打开 {0} 的结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Reading…</source>
   <translation>正在读取…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>The class names fit the model.</source>
   <translation>类别名称与模型相符。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>{0} images found…</source>
   <translation>找到 {0} 张图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>{0} of {1} class names are not labels of this model. Say which label each means.</source>
   <translation>{1} 个类别名称中有 {0} 个不是此模型的标签。请说明它们各自指哪个标签。</translation>
  </message>
 </context>
 <context>
  <name>ClassList</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>类别名称</translation>
  </message>
 </context>
 <context>
  <name>Classes</name>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Normal</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): a class, explained on the model's card.</extracomment>
   <translation>正常</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Pneumonia</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): a class, explained on the model's card.</extracomment>
   <translation>肺炎</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>airplane</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>飞机</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>automobile</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>汽车</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>bird</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>鸟</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>cat</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>猫</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>deer</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>鹿</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>dog</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>狗</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>frog</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>青蛙</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>horse</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>马</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>ship</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>船</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>truck</source>
   <extracomment>Everyday things (CIFAR-10): a class, explained on the model's card.</extracomment>
   <translation>卡车</translation>
  </message>
 </context>
 <context>
  <name>ClassesModel</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>类别名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>{0}: {1} pictures</source>
   <translation>{0}：{1} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>{0}: {1} pictures, key {2}</source>
   <translation>{0}：{1} 张图片，按键 {2}</translation>
  </message>
 </context>
 <context>
  <name>ClassesPane</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Classes</source>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Key</source>
   <translation>按键</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Merge into</source>
   <translation>合并到</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of a new class; Enter makes it</source>
   <translation>新类别的名称；按 Enter 创建</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>类别名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>New class</source>
   <translation>新类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Remove the class</source>
   <translation>移除类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Rename…</source>
   <translation>重命名…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Show its pictures</source>
   <translation>显示其图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Type what there is to tell apart, one class after the other: ‘cat’, Enter, ‘dog’, Enter.</source>
   <translation>逐一输入要区分的类别：“猫”，Enter，“狗”，Enter。</translation>
  </message>
 </context>
 <context>
  <name>ClassesTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Answers</source>
   <extracomment>How often a class was given as the answer.</extracomment>
   <translation>答案数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Figures of each class</source>
   <translation>各类别的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>In brackets: 95 % intervals. Recall is also called sensitivity. FPR: share of false alarms; FNR: share of misses. A class enters a mean only where it has the figure. Enter shows a class's mistakes.</source>
   <translation>括号内：95 % 区间。召回率也称灵敏度。FPR：误报的比例；FNR：漏报的比例。类别只有具备该指标时才计入平均。按 Enter 显示该类别的错误。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Macro mean (each class alike)</source>
   <translation>宏平均（各类别等权）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Means over the classes</source>
   <translation>各类别的平均</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Weighted mean (by images)</source>
   <translation>加权平均（按图片数）</translation>
  </message>
 </context>
 <context>
  <name>ClassifyView</name>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Comparing {0} of {1} images…</source>
   <translation>正在比较第 {0} 张，共 {1} 张图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Looking for images…</source>
   <translation>正在查找图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Reading the headers of DICOM files: {0} of {1}…</source>
   <translation>正在读取 DICOM 文件的头信息：{0} / {1}…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>The model for everyday photographs is ready: choose it in the list of models.</source>
   <translation>日常照片模型已就绪：请在模型列表中选择它。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>{0} images found…</source>
   <translation>找到 {0} 张图片…</translation>
  </message>
 </context>
 <context>
  <name>CloseQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Close Fovea</source>
   <translation>关闭 Fovea</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Discard</source>
   <translation>丢弃</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Do not close</source>
   <translation>不关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on at the next start</source>
   <translation>下次启动时继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on at the next start: what it learned so far is kept and Fovea closes now.</source>
   <translation>下次启动时继续：保留目前所学，Fovea 现在关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Stop after this epoch</source>
   <translation>本轮后停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Stop after this epoch: Fovea closes when the best model so far is in the store.</source>
   <translation>本轮后停止：目前最好的模型存入模型库后，Fovea 即关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Trainings are still running: {0}. What should happen to them?</source>
   <translation>仍有训练在进行：{0}。如何处理？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Waiting trainings stay in the queue: {0}.</source>
   <translation>等待中的训练保留在队列中：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>“{0}” is still training. What should happen to it?</source>
   <translation>“{0}”仍在训练。如何处理？</translation>
  </message>
  <message>
   <source>Go on at the next start: the checkpoint is kept and Fovea closes now.</source>
   <translation type="vanished">下次启动时继续：保留检查点，现在关闭 Fovea。</translation>
  </message>
 </context>
 <context>
  <name>CompareTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Compare</source>
   <translation>比较</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Compare with</source>
   <translation>与之比较</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Difference in accuracy, first minus second: {0}. Both right: {1}. Both wrong: {2}. All figures here are of the {3} pictures that both answered.</source>
   <translation>准确率之差，第一个减第二个：{0}。都正确：{1}。都错误：{2}。这里的所有指标都基于二者均已回答的 {3} 张图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Figure (95 % interval)</source>
   <translation>指标（95 % 区间）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Figures of both models</source>
   <translation>两个模型的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Match class names…</source>
   <translation>对应类别名称…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>No other model that is ready answers these classes.</source>
   <translation>没有其他就绪的模型能回答这些类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>On the pictures that both answered</source>
   <translation>在二者均已回答的图片上</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only the first is right</source>
   <translation>仅第一个正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only the second is right</source>
   <translation>仅第二个正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only this model is right</source>
   <translation>仅此模型正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only {0} is right</source>
   <translation>仅 {0} 正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only {0} is right: {1} pictures</source>
   <translation>仅 {0} 正确：{1} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The model to compare with</source>
   <translation>要比较的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The pictures are not at hand: open their folder again.</source>
   <translation>图片不在手边：请重新打开其文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The second model answers the same pictures; a kept result of it is used at once.</source>
   <translation>第二个模型回答相同的图片；若有保存的结果则立即使用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>{0} (classes to be matched)</source>
   <translation>{0}（类别待对应）</translation>
  </message>
 </context>
 <context>
  <name>ConfidencePanel</name>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>A smaller share gives longer lists.</source>
   <translation>比例越小，列表越长。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Allowed to be wrong in</source>
   <translation>允许出错的比例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Familiar kind of picture: no.</source>
   <translation>熟悉的图片类型：否。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Familiar kind of picture: yes</source>
   <translation>熟悉的图片类型：是</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Hide why</source>
   <translation>隐藏原因</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the answer is right is not known for pictures of another kind.</source>
   <translation>对其他类型的图片，答案正确的频率未知。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the answer is right was measured on pictures of {0}×{0} pixels; of larger ones such as this it is not known.</source>
   <translation>答案正确的频率是在 {0}×{0} 像素的图片上测得的；对这样更大的图片则未知。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the list may leave out the right answer</source>
   <translation>列表可以遗漏正确答案的频率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Most right answers score higher than this one.</source>
   <translation>大多数正确答案的得分高于这个。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>No answer can be ruled out: {0} validation pictures are too few for so small an error.</source>
   <translation>无法排除任何答案：{0} 张验证图片对这么小的误差来说太少。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Possible answers</source>
   <translation>可能的答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Possible answers: {0}. Of a hundred pictures like those it learned from, what is listed here holds the right answer for at least {1}; of this one picture that says nothing.</source>
   <translation>可能的答案：{0}。在一百张与其学习所用图片类似的图片中，这里列出的内容至少在 {1} 张中包含正确答案；对这一张图片则不能说明什么。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Show where in the picture the network found its answer</source>
   <translation>显示网络在图片的何处找到答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>This model cannot check whether a kind of picture is familiar to it.</source>
   <translation>此模型无法检查图片类型是否为其所熟悉。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Why this kind of picture is unfamiliar to the model</source>
   <translation>为什么此类图片对模型来说是陌生的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Why?</source>
   <translation>为什么？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} of 100 cases</source>
   <translation>100 例中的 {0} 例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} or {1}</source>
   <translation>{0} 或 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} or {1} more</source>
   <translation>{0} 或另外 {1} 个</translation>
  </message>
 </context>
 <context>
  <name>CopiesDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Copies count once when Fovea checks how good it is. Here they can leave the project; the sharpest of each group stays. Files are not touched, and Undo brings everything back.</source>
   <translation>Fovea 检查模型好坏时，副本只计一次。可在此将副本移出项目；每组中最清晰的保留。文件不会改动，“撤销”可全部恢复。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Find Copies</source>
   <translation>查找副本</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Keep the sharpest of each, remove {0}</source>
   <translation>每组保留最清晰的，移除 {0} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Looking…</source>
   <translation>正在查找…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>No copies among the pictures that were looked at.</source>
   <translation>在查看过的图片中没有副本。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Show</source>
   <translation>显示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>near copies</source>
   <translation>近似副本</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>taken in one go</source>
   <translation>连拍</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>the same</source>
   <translation>相同</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>{0} groups</source>
   <translation>{0} 组</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>{0} groups; the first 200 are shown.</source>
   <translation>{0} 组；显示前 200 组。</translation>
  </message>
 </context>
 <context>
  <name>Correcting</name>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>Another class…</source>
   <translation>其他类别…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>It is ‘{1}’ in the project {2} now.</source>
   <translation>它现在在项目 {2} 中是“{1}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>This is a…</source>
   <translation>这是…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>{0} pictures are ‘{1}’ in the project {2} now.</source>
   <translation>{0} 张图片现在在项目 {2} 中是“{1}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>{0} taken back.</source>
   <translation>已撤回 {0}。</translation>
  </message>
 </context>
 <context>
  <name>CorrectionsList</name>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Corrected pictures</source>
   <translation>已更正的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Corrections</source>
   <translation>更正</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Folder</source>
   <translation>文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>It is a</source>
   <translation>它是</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>No picture was corrected yet: right-click one, then ‘This is a…’.</source>
   <translation>还没有更正任何图片：右键单击一张，然后选“这是…”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Take back</source>
   <extracomment>Undo.</extracomment>
   <translation>撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>{0} pictures were given their right label. Teach learns from them.</source>
   <translation>{0} 张图片得到了正确的标签。“示教”会从中学习。</translation>
  </message>
 </context>
 <context>
  <name>CrashOffer</name>
  <message>
   <location filename="../../desktop/ui/shell/crash_offer.py" />
   <source>Show the report</source>
   <translation>显示报告</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/crash_offer.py" />
   <source>Something went wrong in Fovea last time. A report lies on this computer; nothing was sent.</source>
   <translation>上次 Fovea 出了问题。报告保存在这台计算机上；没有发送任何内容。</translation>
  </message>
 </context>
 <context>
  <name>CrashReportDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Copy</source>
   <translation>复制</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Delete the report</source>
   <translation>删除报告</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Error Report</source>
   <translation>错误报告</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Error report</source>
   <translation>错误报告</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>The report is no longer there.</source>
   <translation>报告已不存在。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>This is all that was noted down: which kind of error, and where in the program. It holds no file names, no pictures and nothing about you, and it stays on this computer. If you want to help, copy it and add it to a report of your own.</source>
   <translation>这就是记录下来的全部内容：哪种错误，以及在程序的何处。其中没有文件名，没有图片，也没有关于你的任何信息，并且保留在这台计算机上。如果你想帮忙，请复制它，并附到你自己的报告中。</translation>
  </message>
 </context>
 <context>
  <name>CurveExports</name>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Accuracy</source>
   <translation>准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Save the Curves</source>
   <translation>保存曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves of {0} of {1} runs were saved as {2}.</source>
   <translation>{1} 项训练中 {0} 项的曲线已保存为 {2}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves of {0} of {1} runs were saved as {2}. A table takes all of them.</source>
   <translation>{1} 项训练中 {0} 项的曲线已保存为 {2}。表格可容纳全部。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves were not saved: {0}. Choose another folder.</source>
   <translation>曲线未保存：{0}。请选择其他文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves were saved as {0}.</source>
   <translation>曲线已保存为 {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>There is no finished epoch to save yet.</source>
   <translation>还没有完成的轮可保存。</translation>
  </message>
 </context>
 <context>
  <name>CurvePlot</name>
  <message>
   <location filename="../../desktop/ui/widgets/plot.py" />
   <source>Plots cannot be drawn here ({0}). The figures stand in the table.</source>
   <translation>此处无法绘图（{0}）。指标列在表格中。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/plot.py" />
   <source>The plot is being prepared…</source>
   <translation>正在准备图表…</translation>
  </message>
 </context>
 <context>
  <name>CurvesPane</name>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Accuracy</source>
   <translation>准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>By batch</source>
   <translation>按批次</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>By epoch</source>
   <translation>按轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Epoch</source>
   <translation>轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Epoch (batches within)</source>
   <translation>轮（含其中的批次）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Figures by epoch</source>
   <translation>各轮的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Learning rate</source>
   <translation>学习率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>The curve begins with the first batches.</source>
   <translation>曲线从最初的几个批次开始。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Time</source>
   <translation>时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Validation accuracy</source>
   <translation>验证准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Validation loss</source>
   <translation>验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>best epoch</source>
   <translation>最佳轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>training</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>validation</source>
   <translation>验证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>{0} after epoch {1}: training {2}, validation {3}. The table has every epoch.</source>
   <translation>第 {1} 轮后的{0}：训练 {2}，验证 {3}。表格中有每一轮。</translation>
  </message>
  <message>
   <source>{0} – best</source>
   <translation type="vanished">{0} – 最佳</translation>
  </message>
 </context>
 <context>
  <name>CurvesTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>% (95 % interval)</source>
   <translation>%（95 % 区间）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>1 − specificity</source>
   <translation>1 − 特异度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>At this threshold</source>
   <translation>在此阈值下</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Figures at this threshold</source>
   <translation>此阈值下的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>NPV where {0} % are positive</source>
   <translation>{0} % 为阳性时的 NPV</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>PPV where {0} % are positive</source>
   <translation>{0} % 为阳性时的 PPV</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Pictures of both classes are needed for a curve.</source>
   <translation>绘制曲线需要两个类别的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Precision and recall</source>
   <translation>精确率与召回率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>ROC curve</source>
   <translation>ROC 曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Share of positives where the model is to be used</source>
   <translation>模型使用场合中阳性的比例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>The curves as a table</source>
   <translation>曲线（表格）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Threshold</source>
   <translation>阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Where this share is positive (prevalence):</source>
   <translation>阳性占此比例时（患病率）：</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>chosen by hand on this data</source>
   <translation>在此数据上手动选定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>precision (PPV)</source>
   <translation>精确率 (PPV)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>recall (sensitivity)</source>
   <translation>召回率（灵敏度）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>sensitivity for '{0}'</source>
   <translation>“{0}”的灵敏度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>threshold {0}</source>
   <translation>阈值 {0}</translation>
  </message>
 </context>
 <context>
  <name>DataTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Checksum of the data: {0}</source>
   <translation>数据的校验和：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Class names: {0}</source>
   <translation>类别名称：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Data: {0} · {1} images answered</source>
   <translation>数据：{0} · 已回答 {1} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Evaluated: {0}</source>
   <translation>评估时间：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Model: {0}, version {1} · {2}</source>
   <translation>模型：{0}，版本 {1} · {2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Nothing was odd; every image was answered.</source>
   <translation>没有异常；每张图片都已回答。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Problems of the data and files without an answer</source>
   <translation>数据的问题和没有答案的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Several pictures of one count together in the intervals.</source>
   <translation>在区间计算中，同一人或同一病例的多张图片合并计算。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>The data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>The names speak of {0} people or cases.</source>
   <translation>名称表明有 {0} 个人或病例。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>What was odd, and files without an answer</source>
   <translation>异常之处和没有答案的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>left out</source>
   <translation>已略去</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>• and {0} more</source>
   <translation>• 以及另外 {0} 项</translation>
  </message>
  <message>
   <source>Fingerprint: {0}</source>
   <translation type="vanished">指纹：{0}</translation>
  </message>
 </context>
 <context>
  <name>Detail</name>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Duplicate</source>
   <translation>创建副本(&amp;D)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Rename…</source>
   <translation>重命名(&amp;R)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Show folder</source>
   <translation>显示文件夹(&amp;S)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Verify files</source>
   <translation>校验文件(&amp;V)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Card</source>
   <extracomment>A model's card: the page that says what it is for and how good it is ('model card').</extracomment>
   <translation>卡片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Choose a model on the left.</source>
   <translation>请在左侧选择模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Classify with it</source>
   <translation>用它分类</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Curves</source>
   <translation>曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>D&amp;elete</source>
   <translation>删除(&amp;E)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Evaluation</source>
   <translation>评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Export…</source>
   <translation>导出…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Files</source>
   <translation>文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Install…</source>
   <translation>安装…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Layers</source>
   <translation>层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>More</source>
   <translation>更多</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Open the Teach project that this model was made of</source>
   <translation>打开制作此模型的示教项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Teach it more…</source>
   <translation>继续教它…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>What is known of the model</source>
   <translation>关于该模型的已知信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>version {0}</source>
   <translation>版本 {0}</translation>
  </message>
 </context>
 <context>
  <name>DrawView</name>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Copy the drawing</source>
   <translation>复制绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Draw</source>
   <extracomment>A view of the window: draw digits by hand. An imperative, or a noun as a tab has it.</extracomment>
   <translation>手绘</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Draw a digit here, with mouse, pen or finger: any size, any place, several in a row</source>
   <translation>用鼠标、笔或手指在此画数字：大小、位置不限，可并排画多个</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Drop a picture to put it below the strokes, or a drawing (JSON)</source>
   <translation>拖入图片可放在笔画下方，也可拖入绘图 (JSON)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Edit › Corrections takes it back.</source>
   <translation>可用“编辑 › 更正”撤回。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>Export the Drawing</source>
   <translation>导出绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Export…</source>
   <translation>导出…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Images ({0})</source>
   <translation>图片 ({0})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No ink was found.</source>
   <translation>未找到笔迹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No ink was found: there is nothing to keep.</source>
   <translation>未找到笔迹：没有可保存的内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No installed model reads drawings. Train one on pictures of digits, or install one.</source>
   <translation>没有已安装的模型能识别绘图。请用数字图片训练一个，或安装一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Picture Below the Strokes</source>
   <translation>笔画下方的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Reading…</source>
   <translation>正在读取…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Starting the engine…</source>
   <translation>正在启动引擎…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>The answer appears here while you draw.</source>
   <translation>你画的时候，答案显示在这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>The drawing was not written: {0}. Choose another folder.</source>
   <translation>绘图未写入：{0}。请选择其他文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>The strokes were written, without the picture below them: export a PNG to keep both.</source>
   <translation>已写入笔画，不含其下方的图片：要同时保留两者，请导出 PNG。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>This is a…</source>
   <translation>这是…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>drawing</source>
   <translation>绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation>无</translation>
  </message>
 </context>
 <context>
  <name>DrawingCanvas</name>
  <message>
   <location filename="../../desktop/ui/draw/canvas.py" />
   <source>Sheet of paper to draw on</source>
   <extracomment>Name of the drawing area for screen readers.</extracomment>
   <translation>手绘用的画纸</translation>
  </message>
 </context>
 <context>
  <name>DrawingHistory</name>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Draw on: {0}</source>
   <extracomment>Button below an earlier drawing: take it up again and go on drawing; {0} is what was read.</extracomment>
   <translation>继续画：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Each sheet and what was read on it is kept here until Fovea is closed.</source>
   <translation>每张画纸及其识别结果保留在这里，直到 Fovea 关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Earlier drawings and their answers</source>
   <translation>先前的绘图及其答案</translation>
  </message>
 </context>
 <context>
  <name>DropOverlay</name>
  <message>
   <location filename="../../desktop/ui/widgets/drop_overlay.py" />
   <source>Drop to open</source>
   <translation>拖放以打开</translation>
  </message>
 </context>
 <context>
  <name>EditionNote</name>
  <message>
   <location filename="../../desktop/ui/train/edition_note.py" />
   <source>Note</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/edition_note.py" />
   <source>This edition of Fovea classifies, draws and evaluates; it does not train. To train, install the full edition in its place: your models, runs and settings stay.</source>
   <translation>此版本的 Fovea 可以分类、手绘和评估，不能训练。要训练，请改装完整版：你的模型、训练和设置都会保留。</translation>
  </message>
 </context>
 <context>
  <name>EmptyFrame</name>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open the folder {0}</source>
   <translation>打开文件夹 {0}</translation>
  </message>
 </context>
 <context>
  <name>EmptyJobs</name>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Earlier runs</source>
   <translation>早先的训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>New training…</source>
   <translation>新建训练…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>No training yet</source>
   <translation>还没有训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Or start from a plan file…</source>
   <translation>或从方案文件开始…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Teach Fovea your own classes</source>
   <translation>教 Fovea 你自己的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>You need a folder that holds one folder of example images for each class. Training runs in the background while you go on working, and can be paused, stopped and taken up again. Nothing leaves this computer; your files are never changed.</source>
   <translation>你需要一个文件夹，其中每个类别各有一个示例图片文件夹。训练在后台进行，你可以继续工作；训练可暂停、停止和继续。没有任何内容离开这台计算机；你的文件绝不会被改动。</translation>
  </message>
 </context>
 <context>
  <name>EmptyPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>How good is a model on your pictures?</source>
   <translation>模型在你的图片上有多好？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open a folder that holds one folder for each class. Fovea answers every picture and shows where the model fails. Nothing leaves this computer; your files are never changed.</source>
   <translation>打开一个文件夹，其中每个类别各有一个文件夹。Fovea 会回答每张图片，并显示模型在何处出错。没有任何内容离开这台计算机；你的文件绝不会被改动。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open labelled folder…</source>
   <translation>打开带标签的文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Or a data file (.npz, MNIST's IDX)…</source>
   <translation>或数据文件（.npz、MNIST 的 IDX）…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Recent labelled folders</source>
   <translation>最近的带标签文件夹</translation>
  </message>
 </context>
 <context>
  <name>EmptyState</name>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Camera</source>
   <translation>摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Drop images or folders here</source>
   <translation>将图片或文件夹拖放到这里</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>No images yet</source>
   <translation>还没有图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open a folder…</source>
   <translation>打开文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open images…</source>
   <translation>打开图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Photos, scans, drawings and DICOM files, one or thousands. {0} pastes what you have copied. Nothing leaves this computer.</source>
   <translation>照片、扫描件、绘图和 DICOM 文件，一个或数千个。{0} 可粘贴你复制的内容。没有任何内容离开这台计算机。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Recent folders</source>
   <translation>最近的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Try a sample</source>
   <translation>试用示例</translation>
  </message>
 </context>
 <context>
  <name>ErrorPanel</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Copy</source>
   <translation>复制</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Details</source>
   <translation>详细信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Details of the failure</source>
   <translation>失败的详细信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Failure</source>
   <translation>失败</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Hide details</source>
   <translation>隐藏详细信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Kind: {kind}</source>
   <extracomment>Details of an error: its stable name, such as 'too-large'.</extracomment>
   <translation>种类：{kind}</translation>
  </message>
 </context>
 <context>
  <name>Evaluate</name>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Labelled pictures ({0})</source>
   <translation>带标签的图片（{0}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Open a File of Labelled Images</source>
   <translation>打开带标签的图片文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Open a Labelled Folder</source>
   <translation>打开带标签的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>model score</source>
   <translation>模型得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>n = {0}: too few for a figure</source>
   <translation>n = {0}：太少，无法给出指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>probability</source>
   <translation>概率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} h {1} min</source>
   <translation>{0} 小时 {1} 分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} min</source>
   <translation>{0} 分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} s</source>
   <translation>{0} 秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} to {1}</source>
   <translation>{0} 至 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0}, n = {1}</source>
   <translation>{0}，n = {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0}, split {1}</source>
   <translation>{0}，数据划分 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>{0}, validation pictures</source>
   <translation>{0}，验证图片</translation>
  </message>
 </context>
 <context>
  <name>EvaluateView</name>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>An evaluation is running. Cancel it, then open other data.</source>
   <translation>评估正在进行。请先取消，再打开其他数据。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>Drop a labelled folder to evaluate a model on it</source>
   <translation>拖入带标签的文件夹，在其上评估模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>The evaluation was stopped before a picture was answered; nothing was kept.</source>
   <translation>评估在回答任何图片之前已停止；没有保留任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>The evaluation was stopped; nothing of it was kept.</source>
   <translation>评估已停止；没有保留其任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>{0} on {1}</source>
   <translation>{0}，基于 {1}</translation>
  </message>
 </context>
 <context>
  <name>EvaluationTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>95 % interval</source>
   <translation>95 % 区间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Evaluate on pictures of your own</source>
   <translation>在你自己的图片上评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>F1</source>
   <translation>F1</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figure</source>
   <translation>指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures by class</source>
   <translation>各类别的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures of the model</source>
   <translation>模型的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Measured on: {0}</source>
   <translation>测量数据：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Nobody has measured this model in Fovea. A folder of labelled pictures is enough to do so.</source>
   <translation>还没有人在 Fovea 中测量过此模型。有一个带标签的图片文件夹就够了。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Precision</source>
   <translation>精确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Recall</source>
   <translation>召回率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Value</source>
   <translation>数值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>n</source>
   <translation>n</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} to {1}</source>
   <translation>{0} 至 {1}</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">检查时间</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">来源</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">署名</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">许可证</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">网络</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">参数</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">所报告的</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">下载大小</translation>
  </message>
 </context>
 <context>
  <name>Exchange</name>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>A table (CSV)…</source>
   <translation>表格 (CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>A table of names and labels (CSV)…</source>
   <translation>名称与标签的表格 (CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>COCO (JSON)…</source>
   <translation>COCO (JSON)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders, copied…</source>
   <translation>类别文件夹（复制）…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders, linked (take no room)…</source>
   <translation>类别文件夹（链接，不占空间）…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders…</source>
   <translation>类别文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Drawings kept in Draw</source>
   <translation>“手绘”中保存的绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Class Folders into a New Folder</source>
   <translation>将类别文件夹导出到新文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Labels as COCO</source>
   <translation>将标签导出为 COCO</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Labels as a Table</source>
   <translation>将标签导出为表格</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export labels</source>
   <translation>导出标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import Class Folders</source>
   <translation>导入类别文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import a Table of Labels</source>
   <translation>导入标签表格</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import labels</source>
   <translation>导入标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Importing drawings…</source>
   <translation>正在导入绘图…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Importing labels…</source>
   <translation>正在导入标签…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Looking for pictures that were moved…</source>
   <translation>正在查找被移动的图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>No picture is missing.</source>
   <translation>没有缺失的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>None yet</source>
   <translation>尚无</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Tables (*.csv *.tsv *.txt)</source>
   <translation>表格 (*.csv *.tsv *.txt)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>What was judged in Evaluate</source>
   <translation>“评估”中的判断</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Where May the Pictures Lie Now?</source>
   <translation>图片现在可能在哪里？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Writing class folders…</source>
   <translation>正在写入类别文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Writing…</source>
   <translation>正在写入…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} files hold another picture now: they are not learned from until you label them again.</source>
   <translation>{0} 个文件现在是另一张图片：在你重新标注之前，不会用它们学习。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} had their label already</source>
   <translation>{0} 张已有其标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} labels were taken over</source>
   <translation>采用了 {0} 个标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} labels were written.</source>
   <translation>已写入 {0} 个标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures are new</source>
   <translation>{0} 张图片是新的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures could not be read ({1}: {2}).</source>
   <translation>{0} 张图片无法读取（{1}：{2}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were found again.</source>
   <translation>重新找到 {0} 张图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were found again; {1} are still missing.</source>
   <translation>重新找到 {0} 张图片；仍缺 {1} 张。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were written into class folders.</source>
   <translation>{0} 张图片已写入类别文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} rows contradict others: those pictures have no label.</source>
   <translation>{0} 行与其他行矛盾：这些图片没有标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} rows name pictures that are not there ({1} …).</source>
   <translation>{0} 行指定的图片不存在（{1} …）。</translation>
  </message>
 </context>
 <context>
  <name>ExportDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Beside it lies a certificate that says how far its answers are from the model's own. It names no picture.</source>
   <translation>旁边附有一份证书，说明其答案与模型自身的答案相差多少。其中不提及任何图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Choose…</source>
   <translation>选择…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Compare on a folder of yours, too</source>
   <translation>也在你的一个文件夹上比较</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Export {0}</source>
   <translation>导出 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Export…</source>
   <translation>导出…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It was imported as .tflite and has no Keras form.</source>
   <translation>它以 .tflite 导入，没有 Keras 形式。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Only the pictures drawn by Fovea</source>
   <translation>仅限 Fovea 绘制的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pictures to compare on</source>
   <translation>用于比较的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The checksums travel with it: the other Fovea compares every file.</source>
   <translation>校验和随之附带：另一个 Fovea 会比较每个文件。</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0 至 1（除以 255）</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0 至 1，减去 ImageNet 均值，再除以其标准差 (PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0 至 255，保持原样</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">蓝、绿、红，减去 ImageNet 均值 (Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">图片如何调整大小</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">像素如何输入</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">其类别</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">其名称</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">其大小</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">其输出是什么</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1 至 1</translation>
  </message>
 </context>
 <context>
  <name>Exports</name>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>All figures with their intervals, for programs.</source>
   <translation>所有指标及其区间，供程序使用。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Complete, for another Fovea (.zip)</source>
   <translation>完整，供另一个 Fovea 使用 (.zip)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Copying {0} pictures…</source>
   <translation>正在复制 {0} 张图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Figures (JSON)…</source>
   <translation>指标 (JSON)…</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>HTML report…</source>
   <translation>HTML 报告…</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>Keras (.keras)</source>
   <translation>Keras (.keras)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>LiteRT (.tflite)</source>
   <translation>LiteRT (.tflite)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Not saved: {0}</source>
   <translation>未保存：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>ONNX (.onnx)</source>
   <translation>ONNX (.onnx)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>One file for any browser: figures, curves, mistakes, limits.</source>
   <translation>一个文件，适用于任何浏览器：指标、曲线、错误、局限。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>One line for every picture: truth, answer, scores.</source>
   <translation>每张图片一行：真实类别、答案、得分。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>PDF report…</source>
   <translation>PDF 报告…</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Picture (*.png)</source>
   <translation>图片 (*.png)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Picture of both plots (*.png)</source>
   <translation>两张图的图片 (*.png)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Predictions (CSV)…</source>
   <translation>预测 (CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Save as {0}</source>
   <translation>另存为 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Save the List</source>
   <translation>保存列表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Saved: {0}</source>
   <translation>已保存：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Saving the list…</source>
   <translation>正在保存列表…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Something is still being written. Try again in a moment.</source>
   <translation>仍有内容在写入。请稍后再试。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Strokes, to draw on later (*.json)</source>
   <translation>笔画，供以后继续画 (*.json)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Table (*.csv)</source>
   <translation>表格 (*.csv)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>The same on pages, to print or to file.</source>
   <translation>同样的内容分页，可打印或存档。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Training plan (*.json)</source>
   <translation>训练方案 (*.json)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Where Should the New Folder Be?</source>
   <translation>新文件夹放在哪里？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Writing {0}…</source>
   <translation>正在写入 {0}…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>evaluation</source>
   <translation>评估</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>everything, with its card and checksums</source>
   <translation>全部内容，含其卡片和校验和</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>for ONNX Runtime and many other programs</source>
   <translation>用于 ONNX Runtime 和许多其他程序</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>for telephones and small computers</source>
   <translation>用于手机和小型计算机</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>to train on, or to use in Python</source>
   <translation>用于继续训练，或在 Python 中使用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>{0} – selected pictures</source>
   <translation>{0} – 所选图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>{0}: {1} pictures could not be copied.</source>
   <translation>{0}：{1} 张图片无法复制。</translation>
  </message>
 </context>
 <context>
  <name>FactsStrip</name>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Device</source>
   <translation>设备</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Facts of the training</source>
   <translation>训练情况</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Learning rate</source>
   <translation>学习率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Memory</source>
   <extracomment>The computer's memory in use.</extracomment>
   <translation>内存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Parameters</source>
   <translation>参数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Speed</source>
   <translation>速度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Time left</source>
   <translation>剩余时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>{0} images/s</source>
   <translation>{0} 张/秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>{0} to learn from, {1} to check</source>
   <translation>{0} 张用于学习，{1} 张用于检查</translation>
  </message>
 </context>
 <context>
  <name>FigureCard</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>95 % interval {0}, from {1} images</source>
   <translation>95 % 区间 {0}，来自 {1} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0}; several images of one person or case count together</source>
   <translation>{0}；同一人或同一病例的多张图片合并计算</translation>
  </message>
 </context>
 <context>
  <name>FilesTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>All are what they were when the model was made.</source>
   <translation>全部与模型制作时相同。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation>检查时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Compare every file with its checksum</source>
   <translation>将每个文件与其校验和比较</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>File</source>
   <extracomment>The window (range of grey values) that the DICOM file itself names.</extracomment>
   <translation>文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Files</source>
   <translation>文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Not as they were: {0}.</source>
   <translation>与原先不同：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>SHA-256</source>
   <translation>SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Show folder</source>
   <translation>显示文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size</source>
   <translation>大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>There are no files of it on this computer.</source>
   <translation>这台计算机上没有它的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Verify</source>
   <translation>校验</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>not yet</source>
   <translation>尚未</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} files, {1}.</source>
   <translation>{0} 个文件，{1}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✓ unchanged</source>
   <translation>✓ 未变</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ changed</source>
   <translation>✗ 已变</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ missing</source>
   <translation>✗ 缺失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ unreadable</source>
   <translation>✗ 无法读取</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">来源</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">署名</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">许可证</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">网络</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">参数</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">所报告的</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">下载大小</translation>
  </message>
 </context>
 <context>
  <name>FilterSheet</name>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>Filter {0}</source>
   <translation>滤波器 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>Filters of the first layer</source>
   <translation>第一层的滤波器</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>{0} filters of {1} × {2} pixels; grey is a weight of 0</source>
   <translation>{0} 个 {1} × {2} 像素的滤波器；灰色表示权重为 0</translation>
  </message>
 </context>
 <context>
  <name>FindingCard</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Caution</source>
   <translation>注意</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Keep one of each</source>
   <translation>每组保留一张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Keep them all</source>
   <translation>全部保留</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Leave them out</source>
   <translation>略去</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Must be mended</source>
   <extracomment>A finding that stops the training until it is corrected.</extracomment>
   <translation>必须修正</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Note</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>What to do about it</source>
   <translation>如何处理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>and {0} more</source>
   <translation>以及另外 {0} 个</translation>
  </message>
 </context>
 <context>
  <name>FindingsPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source> · {0} left</source>
   <translation> · 剩余 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>A classifier needs pictures of two classes or more, each in a folder of its own.</source>
   <translation>分类器需要两个或更多类别的图片，每个类别各在自己的文件夹中。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Begins the training at once; everything else stays as recommended</source>
   <translation>立即开始训练；其他一切保持推荐设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Broken pictures are then found, and left out, when the training begins</source>
   <translation>损坏的图片将在训练开始时被发现并略去</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every class needs a picture to learn from; leave out the classes that have none.</source>
   <translation>每个类别都需要一张用于学习的图片；请略去没有图片的类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every class needs two pictures or more: one to learn from and one to check with.</source>
   <translation>每个类别都需要两张或更多图片：一张用于学习，一张用于检查。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every picture is opened once, before a training could stumble over it.</source>
   <translation>每张图片都会打开一次，以免训练时出问题。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Findings</source>
   <extracomment>A page of the wizard: what was found while looking through the pictures.</extracomment>
   <translation>发现</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Look at the recommended settings</source>
   <translation>查看推荐设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Looking for copies</source>
   <translation>正在查找副本</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Looking for pictures of one person</source>
   <translation>正在查找同一人的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Opening the pictures</source>
   <translation>正在打开图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Pictures of each class</source>
   <translation>各类别的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Reading the folder</source>
   <translation>正在读取文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Skip the look</source>
   <translation>跳过检查</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Skips to the last page; everything between stays as recommended</source>
   <translation>跳到最后一页；中间的一切保持推荐设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Start with the recommended settings</source>
   <translation>以推荐设置开始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>There are no pictures yet.</source>
   <translation>还没有图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>This has to be mended before a training can start; change the folder, then look again.</source>
   <translation>必须先修正此问题，训练才能开始；请更改文件夹，然后重新检查。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Too few pictures of {0} stay with what is left out below; keep some of them.</source>
   <translation>按下方略去之后，{0} 的图片太少；请保留其中一些。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>What Fovea found in it</source>
   <translation>Fovea 在其中的发现</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>all {0}×{1} pixels</source>
   <translation>均为 {0}×{1} 像素</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>nothing odd: every picture opens, and none is there twice</source>
   <translation>没有异常：每张图片都能打开，没有重复</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>splits: {0}</source>
   <translation>数据划分：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0} and {1} more</source>
   <translation>{0} 以及另外 {1} 项</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0}: {1} pictures in {2} classes</source>
   <translation>{0}：{1} 张图片，{2} 个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0}×{1} to {2}×{3} pixels, median {4}×{5}</source>
   <translation>{0}×{1} 至 {2}×{3} 像素，中位数 {4}×{5}</translation>
  </message>
 </context>
 <context>
  <name>FirstModelsBar</name>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source> and </source>
   <extracomment>Between two names.</extracomment>
   <translation> 和 </translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>'{0}'</source>
   <translation>“{0}”</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>Cancelled. 'Everyday photographs' can be made at any time under Models, with Install.</source>
   <translation>已取消。“日常照片”可随时在“模型”中用“安装”来制作。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>Making '{0}' from what was installed: once, in about a minute. Until then Classify works with {1}.</source>
   <translation>正在用已安装的内容制作“{0}”：仅此一次，约需一分钟。在此之前，“分类”使用 {1}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>The model for everyday photographs is not there: {0} {1} Everything else works without it.</source>
   <translation>日常照片模型不可用：{0} {1} 没有它，其他功能均可使用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>the other models</source>
   <translation>其他模型</translation>
  </message>
 </context>
 <context>
  <name>FolderPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>A folder that holds one folder of pictures for each class, for instance 'cats' and 'dogs'; or pictures with a table of their labels, or with labels in their names. Your files are only read, never changed, and nothing leaves this computer.</source>
   <translation>一个文件夹，其中每个类别各有一个图片文件夹，例如“猫”和“狗”；或图片加标签表格，或名称中带标签的图片。你的文件只被读取，绝不会被改动，没有任何内容离开这台计算机。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Drawings that you named and kept in the Draw view</source>
   <translation>你在“手绘”视图中命名并保存的绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Drop a folder here</source>
   <translation>将文件夹拖放到这里</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>My drawings ({0})</source>
   <translation>我的绘图（{0}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open a folder…</source>
   <translation>打开文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open another folder…</source>
   <translation>打开其他文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open the labelled folder {0}</source>
   <translation>打开带标签的文件夹 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Or a file: an archive, a table of labels, a data file (.npz, MNIST's IDX)…</source>
   <translation>或文件：压缩包、标签表格、数据文件（.npz、MNIST 的 IDX）…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Reading…</source>
   <translation>正在读取…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Recent labelled folders</source>
   <translation>最近的带标签文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Which pictures should it learn from?</source>
   <translation>它应从哪些图片学习？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures found…</source>
   <translation>找到 {0} 张图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures in {1} classes</source>
   <translation>{0} 张图片，{1} 个类别</translation>
  </message>
 </context>
 <context>
  <name>Fovea</name>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>
Addresses and hashes are from {source}, sizes from public logs of downloads. Fovea's authors have not downloaded the files: the first one that passes on this computer is remembered by its SHA-256. What a package carries is compared with the SHA-256 that Fovea's authors computed, and needs no connection.</source>
   <translation>
地址和哈希值来自 {source}，大小来自公开的下载日志。Fovea 的作者没有下载过这些文件：在这台计算机上第一个通过的文件将以其 SHA-256 记住。软件包所带的内容与 Fovea 作者计算的 SHA-256 比较，无需连接。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>
Does it work here? {sentence}</source>
   <translation>
在这里管用吗？{sentence}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>
The intervals rest on the {persons:,} people or cases that the names tell of.</source>
   <translation>
区间以名称所示的 {persons:,} 个人或病例为单位。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>
no model here can answer; 'fovea models list' says why</source>
   <translation>
此处没有模型能回答；'fovea models list' 说明原因</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>
pictures of the window:</source>
   <translation>
窗口图片：</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source> and the name of the data's folder</source>
   <translation> 以及数据文件夹的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source> and {count:,} more</source>
   <translation> 以及另外 {count:,} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source> and {step} batches</source>
   <translation> 及 {step} 个批次</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source> of '{module}'</source>
   <translation> （'{module}' 的）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source> of the package {distribution} {version}</source>
   <translation> （来自软件包 {distribution} {version}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source> of {total:,}</source>
   <translation> / {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>'evaluation.json' cannot be read: {error}</source>
   <translation>'evaluation.json' 无法读取：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>'fovea --help' lists the commands.</source>
   <translation>'fovea --help' 列出各命令。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>'fovea COMMAND --help' tells more, 'fovea help' explains the program.</source>
   <translation>'fovea COMMAND --help' 给出更多说明，'fovea help' 解释本程序。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'fovea data inspect' says what is.</source>
   <translation>'fovea data inspect' 可说明那里有什么。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>'fovea data inspect' says why.</source>
   <translation>'fovea data inspect' 说明原因。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>'fovea data inspect' tells more.</source>
   <translation>'fovea data inspect' 可说明更多。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>'fovea help' lists its topics.</source>
   <translation>'fovea help' 列出其主题。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>'fovea licences' lists them.</source>
   <translation>'fovea licences' 列出它们。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea predict --model {model_id} PICTURE' asks it</source>
   <translation>'fovea predict --model {model_id} PICTURE' 可向它提问</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea runs list' shows the runs there are.</source>
   <translation>'fovea runs list' 显示现有的训练。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>'fovea sort --undo {id}' takes it back</source>
   <translation>'fovea sort --undo {id}' 可撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea train --resume {name}' takes it up</source>
   <translation>'fovea train --resume {name}' 可继续它</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea train --resume {own}' takes it up; for a new one name another folder.</source>
   <translation>'fovea train --resume {own}' 可继续它；要新建，请指定另一个文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'fovea train --resume {run}' makes its model</source>
   <translation>'fovea train --resume {run}' 制作其模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'mnist.npz' was not found</source>
   <translation>未找到 'mnist.npz'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>'{a}' alone is right on {only_a:,} images, '{b}' alone on {only_b:,}</source>
   <translation>仅 '{a}' 正确的有 {only_a:,} 张图片，仅 '{b}' 正确的有 {only_b:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>'{a}' and '{b}' are right and wrong on the same images.</source>
   <translation>'{a}' 与 '{b}' 在相同的图片上正确和错误。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/saliency.py" />
   <source>'{file}' describes no end of a network: {error}</source>
   <translation>'{file}' 没有描述网络的末端：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>'{file}' does not fit its network</source>
   <translation>'{file}' 与其网络不符</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/first_layer.py" />
   <source>'{file}' holds no filters: {error}</source>
   <translation>'{file}' 不含滤波器：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/domain.py" />
   <source>'{file}' is no domain gate: {error}</source>
   <translation>'{file}' 不是图片类型检查文件：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/second.py" />
   <source>'{file}' is no second opinion: {error}</source>
   <translation>'{file}' 不是第二意见：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>'{file}' of model '{id}' does not fit its network</source>
   <translation>模型 '{id}' 的 '{file}' 与其网络不符</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>'{given}' begins {count} runs</source>
   <translation>'{given}' 是 {count} 项训练的开头</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{id}' comes as a package ({distribution}), not from an address</source>
   <translation>'{id}' 以软件包 ({distribution}) 提供，不来自地址</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{id}' is not in the trash</source>
   <translation>'{id}' 不在回收站中</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>'{id}' names no classes that could be learned further</source>
   <translation>'{id}' 没有列出可继续学习的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{key}' cannot be set this way</source>
   <translation>'{key}' 不能这样设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>'{key}' cannot be varied: each trial would be checked with other pictures, and none could be compared</source>
   <translation>'{key}' 不能变动：每次试验会用不同的图片检查，便无法比较</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{key}' is no setting</source>
   <translation>'{key}' 不是设置</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>'{label}' where its score is at least {threshold:.6g}</source>
   <translation>其得分不低于 {threshold:.6g} 时为“{label}”</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>'{layout}' is no layout: expected folders, table… or names…</source>
   <translation>'{layout}' 不是布局：预期为 folders、table… 或 names…</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>'{layout}' is no pattern</source>
   <translation>'{layout}' 不是模式</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>'{layout}' is no table layout</source>
   <translation>'{layout}' 不是表格布局</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'{layout}' labels none of the {count:,} pictures in '{title}'</source>
   <translation>'{layout}' 没有给 '{title}' 中 {count:,} 张图片里的任何一张标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{left}' belongs to no layer of {name}</source>
   <translation>'{left}' 不属于 {name} 的任何层</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>'{name}' cannot be read</source>
   <translation>'{name}' 无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' cannot be read ({fault})</source>
   <translation>'{name}' 无法读取（{fault}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>'{name}' cannot be read as a drawing</source>
   <translation>'{name}' 无法作为绘图读取</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>'{name}' cannot be read: {reason}</source>
   <translation>'{name}' 无法读取：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' cannot be trained on: it has no {keras_file}</source>
   <translation>'{name}' 无法继续训练：它没有 {keras_file}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' could not be unpacked: {reason}</source>
   <translation>'{name}' 无法解压：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' declares {size:.1f} GiB</source>
   <translation>'{name}' 声明为 {size:.1f} GiB</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/explaining.py" />
   <source>'{name}' does not end in pooling and one dense layer; it has no class activation map</source>
   <translation>'{name}' 不以池化加一个全连接层结束；没有类激活图</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>'{name}' does not give what its stages know</source>
   <translation>'{name}' 没有给出其各阶段所知的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>'{name}' gives scores alone, nothing that another classifier could build upon</source>
   <translation>'{name}' 只给出得分，没有可供另一个分类器在其上构建的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>'{name}' has no Keras form: it was imported as .tflite</source>
   <translation>'{name}' 没有 Keras 形式：它以 .tflite 导入</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>'{name}' has no Keras network to ask for gradients</source>
   <translation>'{name}' 没有可用于求梯度的 Keras 网络</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' has no column of labels; its columns: {columns}</source>
   <translation>'{name}' 没有标签列；其各列：{columns}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' has no column of pictures; its columns: {columns}</source>
   <translation>'{name}' 没有图片列；其各列：{columns}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' has the shape {shape}; {tuple} expected</source>
   <translation>'{name}' 的形状为 {shape}；预期为 {tuple}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>'{name}' has {size:,} bytes, at most {most_bytes:,} expected</source>
   <translation>'{name}' 有 {size:,} 字节，预期最多 {most_bytes:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' has {size:.1f} GiB; at most 1 GiB is opened</source>
   <translation>'{name}' 有 {size:.1f} GiB；最多打开 1 GiB</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>'{name}' has {size} bytes, {size2} expected</source>
   <translation>'{name}' 有 {size} 字节，预期为 {size2}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' holds groups of rows of {found:,} MiB; at most {most} MiB expected</source>
   <translation>'{name}' 的行组有 {found:,} MiB；预期最多 {most} MiB</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' holds more than the {most:,} bytes expected</source>
   <translation>'{name}' 超过预期的 {most:,} 字节</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'{name}' holds more than {most:,} pictures</source>
   <translation>'{name}' 含有超过 {most:,} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' holds more than {most_files:,} files</source>
   <translation>'{name}' 含有超过 {most_files:,} 个文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' holds no numbers of 32 bits</source>
   <translation>'{name}' 不含 32 位数字</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' holds {found}; {expected}</source>
   <translation>'{name}' 含有 {found}；{expected}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>'{name}' in the archive does not match its checksum</source>
   <translation>压缩包中的 '{name}' 与其校验和不符</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' in the archive is damaged</source>
   <translation>压缩包中的 '{name}' 已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' is a Parquet file ({told}), for which the package pyarrow is needed</source>
   <translation>'{name}' 是 Parquet 文件（{told}），需要软件包 pyarrow</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' is a Parquet file, for which the package pyarrow is needed</source>
   <translation>'{name}' 是 Parquet 文件，需要软件包 pyarrow</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>'{name}' is a file, not a folder</source>
   <translation>'{name}' 是文件，不是文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is a pickle that carries code ('{error}'); it was not run</source>
   <translation>'{name}' 是带有代码的 pickle（'{error}'）；没有运行</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' is a pointer of Git LFS, not the file itself</source>
   <translation>'{name}' 是 Git LFS 的指针，而不是文件本身</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is cut off: {count:,} of {size:,} bytes are there</source>
   <translation>'{name}' 不完整：{size:,} 字节中只有 {count:,} 字节</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is damaged or cannot be read</source>
   <translation>'{name}' 已损坏或无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is damaged or no .npz of plain arrays ({name2})</source>
   <translation>'{name}' 已损坏，或不是由普通数组组成的 .npz（{name2}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is damaged or no CIFAR batch ({name2})</source>
   <translation>'{name}' 已损坏，或不是 CIFAR 批次文件（{name2}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' is damaged, or no list of labels</source>
   <translation>'{name}' 已损坏，或不是标签列表</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{name}' is in the trash; 'fovea models restore {quote}' takes it back</source>
   <translation>'{name}' 在回收站中；'fovea models restore {quote}' 可恢复</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>'{name}' is larger than {most_bytes} MB</source>
   <translation>'{name}' 大于 {most_bytes} MB</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' is larger than {most} MiB</source>
   <translation>'{name}' 大于 {most} MiB</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' is missing</source>
   <translation>缺少 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is no CIFAR batch: expected 'data' (n, {pixels}) and 'labels'</source>
   <translation>'{name}' 不是 CIFAR 批次文件：预期有 'data' (n, {pixels}) 和 'labels'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is no IDX file of bytes with {dimensions} dimensions</source>
   <translation>'{name}' 不是 {dimensions} 维的字节 IDX 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is no list of labels</source>
   <translation>'{name}' 不是标签列表</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_results.py" />
   <source>'{name}' is no name for a search</source>
   <translation>'{name}' 不能作为搜索的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>'{name}' is no table of pictures and labels</source>
   <translation>'{name}' 不是图片与标签的表格</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is no text in UTF-8</source>
   <translation>'{name}' 不是 UTF-8 文本</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>'{name}' is not described</source>
   <translation>'{name}' 没有描述</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>'{name}' is not empty</source>
   <translation>'{name}' 不是空的</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching.py" />
   <source>'{name}' is not there any more</source>
   <translation>'{name}' 已不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' is there in version {version}; the plan begins from version {version2}</source>
   <translation>'{name}' 现有版本 {version}；方案从版本 {version2} 开始</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is too large for a list of labels</source>
   <translation>'{name}' 对标签列表来说过大</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' names more than {most:,} pictures</source>
   <translation>'{name}' 列出的图片超过 {most:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>'{name}' names no classes</source>
   <translation>'{name}' 没有列出类别</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' names no pictures</source>
   <translation>'{name}' 没有列出图片</translation>
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>'{name}' names no report format</source>
   <translation>'{name}' 没有指明报告格式</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>'{name}' names no {what}</source>
   <translation>'{name}' 没有指明{what}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs 'flatten', 'gap' or 'gmp' before it</source>
   <translation>'{name}' 之前需要 'flatten'、'gap' 或 'gmp'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs a picture, but a layer before it has flattened it</source>
   <translation>'{name}' 需要图片，但其前面的层已将其展平</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs at least {size} pixels a side and gets {shape}×{shape2}</source>
   <translation>'{name}' 需要边长至少 {size} 像素，得到的是 {shape}×{shape2}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>'{name}' of this run cannot be read</source>
   <translation>这项训练的 '{name}' 无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' takes colour pictures; the plan prepares grey ones</source>
   <translation>'{name}' 接收彩色图片；方案预处理成灰度图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' takes pictures of {size}; the plan prepares {size2}</source>
   <translation>'{name}' 接收 {size} 的图片；方案预处理成 {size2}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' unpacks to more than {most_bytes} GB</source>
   <translation>'{name}' 解压后超过 {most_bytes} GB</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' unpacks to more than {ratio} times its size: pictures do not</source>
   <translation>'{name}' 解压后超过其大小的 {ratio} 倍：图片不会这样</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' would unpack to {file_size:,} bytes from {compress_size:,}</source>
   <translation>'{name}' 会从 {compress_size:,} 字节解压成 {file_size:,} 字节</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}': {count} labels for {count2} pictures, or odd ones</source>
   <translation>'{name}'：{count2} 张图片有 {count} 个标签，或标签异常</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}': {shape} channels do not divide into {groups} groups</source>
   <translation>'{name}'：{shape} 个通道不能分成 {groups} 组</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>'{pair}' is no KEY=VALUE</source>
   <translation>'{pair}' 不是 KEY=VALUE</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>'{pair}' is no mapping</source>
   <translation>'{pair}' 不是对应关系</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>'{positive}' from a score of {value:.6g} on, else '{other}'</source>
   <translation>得分达到 {value:.6g} 起为 '{positive}'，否则为 '{other}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>'{prog} --help' shows the usage.</source>
   <translation>'{prog} --help' 显示用法。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>'{project_id}' is no project's id</source>
   <translation>'{project_id}' 不是项目标识</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>'{recipe}' begins from a model, and none is named</source>
   <translation>'{recipe}' 从模型开始，但没有指定模型</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>'{run_id}' is no run</source>
   <translation>'{run_id}' 不是训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{scaling}' is for colour pictures; this network takes grey ones.</source>
   <translation>'{scaling}' 用于彩色图片；此网络接收灰度图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{solved}' cannot train a whole network</source>
   <translation>'{solved}' 不能训练整个网络</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{solved}' solves a head without layers of its own, on the features of a model</source>
   <translation>'{solved}' 求解的是没有自己的层、基于模型特征的分类头</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>'{text}' are no numbers of pictures</source>
   <translation>'{text}' 不是图片数量</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{text}' is no range</source>
   <translation>'{text}' 不是范围</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{text}' names no values</source>
   <translation>'{text}' 没有给出值</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' cannot be read ({name})</source>
   <translation>'{title}' 无法读取（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' does not give what its stages know</source>
   <translation>'{title}' 没有给出其各阶段所知的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' has a label {max}, but names only {count} classes</source>
   <translation>'{title}' 有标签 {max}，但只给出 {count} 个类别名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>'{title}' has no class {missing}</source>
   <translation>'{title}' 没有类别 {missing}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no embedding that a new last layer could build upon</source>
   <translation>'{title}' 没有可供新的最后一层在其上构建的嵌入</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no layer '{layer}'</source>
   <translation>'{title}' 没有层 '{layer}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>'{title}' has no split '{wanted}'</source>
   <translation>'{title}' 没有数据划分 '{wanted}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no {name}</source>
   <translation>'{title}' 没有 {name}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>'{title}' has the splits {listing}</source>
   <translation>'{title}' 有数据划分 {listing}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds Python objects, which may carry code</source>
   <translation>'{title}' 含有 Python 对象，其中可能带有代码</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{title}' holds more than {most:,} Parquet files</source>
   <translation>'{title}' 含有超过 {most:,} 个 Parquet 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>'{title}' holds no class folders</source>
   <translation>'{title}' 不含类别文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds no pictures</source>
   <translation>'{title}' 不含图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'{title}' holds no pictures of its '{split}' split</source>
   <translation>'{title}' 没有其数据划分 '{split}' 的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>'{title}' holds no pictures to learn from</source>
   <translation>'{title}' 没有可用于学习的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>'{title}' holds pictures but no class folders with pictures</source>
   <translation>'{title}' 含有图片，但没有含图片的类别文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds {count:,} arrays; at most {max_entries} expected</source>
   <translation>'{title}' 含有 {count:,} 个数组；预期最多 {max_entries} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' is cut off</source>
   <translation>'{title}' 不完整</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{title}' is far larger than a CIFAR batch</source>
   <translation>'{title}' 远大于 CIFAR 批次文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is no labelled data that Fovea knows</source>
   <translation>'{title}' 不是 Fovea 认识的带标签数据</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is no table that names pictures beside it</source>
   <translation>'{title}' 不是列出其旁边图片的表格</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is not there</source>
   <translation>'{title}' 不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'{title}' was not found</source>
   <translation>未找到 '{title}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}', split '{split}'</source>
   <translation>'{title}'，子集 '{split}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}': a label {most} was found; at most {max_classes} is expected</source>
   <translation>'{title}'：发现标签 {most}；预期最大为 {max_classes}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>'{twice}' is there twice</source>
   <translation>'{twice}' 出现两次</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{twice}' is varied twice</source>
   <translation>'{twice}' 变动了两次</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>'{where}{name}' has no settings below it</source>
   <translation>'{where}{name}' 之下没有设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>'{where}{name}' is a group of settings</source>
   <translation>'{where}{name}' 是一组设置</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>(deleted)</source>
   <translation>（已删除）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>(this package brings no text of its licence)</source>
   <translation>（此软件包没有附带许可证文本）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>, n = {count:,}</source>
   <translation>，n = {count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>, n = {least:,} to {most:,}</source>
   <translation>，n = {least:,} 至 {most:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>, the first of {count}</source>
   <translation>，{count} 个中的第一个</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>--frames goes with --camera</source>
   <translation>--frames 与 --camera 一起使用</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--input-size {input_size}: expected WxH</source>
   <translation>--input-size {input_size}：预期为 WxH</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>--lang LANGUAGE (or FOVEA_LANG) names a language: {languages}.</source>
   <translation>--lang LANGUAGE（或 FOVEA_LANG）指定语言：{languages}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>--move goes with --into</source>
   <translation>--move 与 --into 一起使用</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>--out would overwrite the picture itself</source>
   <translation>--out 会覆盖图片本身</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--pictures is no folder</source>
   <translation>--pictures 不是文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--sha256 takes 64 hexadecimal digits and goes with --from</source>
   <translation>--sha256 需要 64 个十六进制数字，并与 --from 一起使用</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>.8497 (the author's split)</source>
   <translation>.8497（作者的划分）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>0 to 1</source>
   <translation>0 至 1</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>0 to 1 (default: {opacity})</source>
   <translation>0 至 1（默认：{opacity}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>0 to 1, then ImageNet's means subtracted and divided by its deviations (PyTorch's habit)</source>
   <translation>0 至 1，然后减去 ImageNet 均值并除以其标准差（PyTorch 的惯例）</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>1 − specificity</source>
   <translation>1 − 特异度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/deep_png.py" />
   <source>16-bit, windowed {describe}</source>
   <translation>16 位，加窗 {describe}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>63.87 % colour</source>
   <translation>63.87 % 彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>66.4 % test</source>
   <translation>66.4 % 测试</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>7.4 to 7.5 % top-5 error with its published weights</source>
   <translation>所发布权重的 top-5 错误率为 7.4 至 7.5 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>70.4 %, augmented 72 %</source>
   <translation>70.4 %，增强后 72 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>93.57 % test</source>
   <translation>93.57 % 测试</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>95 % interval</source>
   <translation>95 % 区间</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>95 % interval {bounds}</source>
   <translation>95 % 区间 {bounds}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>95 %: {bounds}</source>
   <translation>95 %：{bounds}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>96.16 %: 32 units, dropout .1, Adam</source>
   <translation>96.16 %：32 个单元，dropout .1，Adam</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>96.68 % at 5,900 pictures, 72.44 % at 300 (a dense net: 85.56 and 48.26 %)</source>
   <translation>5,900 张图片时 96.68 %，300 张时 72.44 %（全连接网络：85.56 和 48.26 %）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>97.87 % test</source>
   <translation>97.87 % 测试</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>99.06 to 99.20 %</source>
   <translation>99.06 至 99.20 %</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>; it was started again</source>
   <translation>；已重新启动</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>; the model's own is {value:.3g}</source>
   <translation>；模型自身的为 {value:.3g}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>; {count} were given</source>
   <translation>；给出了 {count} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>A checksum of the PNG is wrong.</source>
   <translation>PNG 的一个校验和有误。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>A figure without a value cannot be told from this data; the reason stands in its place.</source>
   <translation>没有数值的指标无法由此数据得出；其位置写明原因。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>A folder is searched through all levels; hidden files are passed over. Answers come in the order of the pictures.
DICOM files that belong to one series come together, in the order of their places in the patient, a line a frame; so do
the frames of one file, and what a DICOMDIR lists. The lines of a study name the folder or DICOMDIR that was given,
study, series and frame; what its files are called is often a name, and is said with --files alone.

With --json every picture gives one object on a line of its own:
  path, model, label, index, probability, top (list of label, probability), notices (list of texts),
  elapsed_ms (decode, prepare, predict), prepared_sha256, in_domain (whether the picture is of the kind that the
  model was trained on; null where the model cannot tell), domain_score (0 is the middle of its own pictures, above 1
  is not its kind), domain_reasons (why not, in codes; "unlike" where no more is known), answer_set (labels to reckon
  with at the error rate error_rate; null where the model was not calibrated for that, and for pictures that are not its
  kind), general (the more general word, of a model that knows words), digits (label, probability of each digit, of a
  picture that holds several), suits (the model at hand that would suit a picture of another kind, or null), notice (of
  medical models)
  - or, where it failed, path and error (kind, message);
  - a frame of a study or of a DICOM file of several frames also study and series (counted from 1 in what was given),
  series_number (as in the file, or null), modality, frame and frames (from 1), with --files also file.
With --camera 'path' is the camera's or video's name and the frame's number: always the newest frame is answered, those
that came meanwhile are left out. Nothing is stored.
Of a hundred pictures like those the model learned from, answer sets hold the right label for at least
100 x (1 - error_rate); of a single picture, and of pictures of another kind, that says nothing.
'label' follows the model's decision rule, which need not be the highest score; 'probability' is the score of 'label'.

exit status: 0 every picture was answered; 1 some failed, none was found, or the model is not installed or damaged;
2 wrong usage, an unknown model among it; 130 stopped by Ctrl-C (what was printed until then holds).
</source>
   <translation>文件夹会逐层搜索；跳过隐藏文件。答案按图片的顺序给出。
属于同一序列的 DICOM 文件放在一起，按其在患者体内的位置排序，每帧一行；
同一文件的各帧以及 DICOMDIR 所列的内容也是如此。检查的各行给出所指定的文件夹或 DICOMDIR、
检查、序列和帧；其文件名往往是姓名，只有用 --files 才会列出。

带 --json 时，每张图片各以单独一行给出一个对象：
  path、model、label、index、probability、top（label、probability 的列表）、notices（文本列表）、
  elapsed_ms（decode、prepare、predict）、prepared_sha256、in_domain（图片是否属于模型
  训练所用的类型；模型无法判断时为 null）、domain_score（0 为其自己图片的中间，大于 1
  即不属于其类型）、domain_reasons（原因，以代码表示；不知其详时为 "unlike"）、answer_set（在错误率
  error_rate 下应考虑的标签；模型未为此校准，以及图片不属于其类型时
  为 null）、general（认识词语的模型给出的更通用的词）、digits（含有多个数字的
  图片中各数字的 label、probability）、suits（现有的适合其他类型图片的模型，或 null）、notice（医疗
  模型的提示）
  - 若失败，则为 path 和 error（kind、message）；
  - 检查的帧或多帧 DICOM 文件的帧还有 study 和 series（在所指定的内容中从 1 计数）、
  series_number（如文件所示，或 null）、modality、frame 和 frames（从 1 起），带 --files 时还有 file。
带 --camera 时，'path' 是摄像头或视频的名称和帧编号：总是回答最新的帧，
其间到来的帧被略去。不存储任何内容。
在一百张与模型学习所用图片类似的图片中，答案集合至少在
100 x (1 - error_rate) 张中含有正确标签；对单张图片以及其他类型的图片则不能说明什么。
'label' 遵循模型的判定规则，不一定是最高得分；'probability' 是 'label' 的得分。

退出状态：0 每张图片都已回答；1 有些失败、没有找到图片，或模型未安装或已损坏；
2 用法错误，包括未知的模型；130 被 Ctrl-C 停止（到那时已输出的仍然有效）。
</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>A frame of the GIF has no pixels.</source>
   <translation>GIF 的某一帧没有像素。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>A frame of the PNG's animation lies outside its picture.</source>
   <translation>PNG 动画的某一帧位于图片之外。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>A kept evaluation is damaged and not listed: '{name}'.</source>
   <translation>一项保存的评估已损坏，未列出：'{name}'。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>A lookup table in the DICOM's header contradicts its description.</source>
   <translation>DICOM 头信息中的查找表与其描述矛盾。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>A model of another Fovea comes whole: export it there as one .zip.</source>
   <translation>另一个 Fovea 的模型是整体提供的：请在那里导出为一个 .zip。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>A network that asks you to log in does that: open a browser, log in, try again.</source>
   <translation>要求登录的网络会这样：请打开浏览器，登录，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>A newer Fovea may read it.</source>
   <translation>较新的 Fovea 也许能读取。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspecting.py" />
   <source>A picture or the lack of memory may have ended it: try a part of the data.</source>
   <translation>可能是某张图片或内存不足使其结束：请尝试一部分数据。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>A piece of the TIFF's picture is not of the size declared.</source>
   <translation>TIFF 图片的某一块与声明的大小不符。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>A small residual net, quick on a CPU, for photos and scans of any kind: the one to begin with.</source>
   <translation>小型残差网络，在 CPU 上很快，适合各种照片和扫描件：宜从它开始。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>A threshold that was chosen on this very data would make its figures look too good.</source>
   <translation>在同一数据上选定的阈值会使其指标看起来过好。</translation>
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
   <translation>训练连同其方案、图片的分配、曲线以及每一轮的检查点一起保存
（'fovea runs list'）。--resume 从其停止之处准确继续，崩溃之后也可以。按一次 Ctrl-C：本批次后
停止，保留检查点；按两次：立即停止（保留最近的检查点）。

示例：
  fovea train --data photos --name "My pets"
  fovea train --preset mnist-lenet --name digits --epochs 5
  fovea train --data photos --from cifar10 --how features --name pets
  fovea train --data photos --architecture C32k3s,P2,flatten,D128 --size 64 --set optimizer.rate=0.002 --name small
  fovea train --resume last

带 --json 时，每个事件是一行一个 JSON 对象（"event"：started、phase、batch-done、epoch-done、note、checkpointed、
finished）；训练和模型的指标以 "event"："run" 和 "model" 给出。

退出状态：0 模型已存入模型库；1 失败；2 用法错误或方案有误；130 被 Ctrl-C 停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>About the data</source>
   <translation>关于数据</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>About the model: intended use and limits</source>
   <translation>关于模型：预期用途与局限</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Accuracy against share answered</source>
   <translation>准确率与回答比例的关系</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Accuracy where the least sure images are left to a person:</source>
   <translation>将最不确定的图片留给人时的准确率：</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching.py" />
   <source>Add it again from where it is now.</source>
   <translation>请从它现在的位置重新添加。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>Add other pictures of each class, or pictures to check with in a folder 'val'.</source>
   <translation>请增加每个类别的其他图片，或在文件夹 'val' 中放入用于检查的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>Add pictures of it to those to learn from, or leave the class out.</source>
   <translation>请将该类别的图片加入用于学习的图片，或略去该类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Add pictures, or start from a model that has learnt.</source>
   <translation>请增加图片，或从已学习过的模型开始。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>AlexNet</source>
   <translation>AlexNet</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>All of this is of the {count:,} images that both answered.</source>
   <translation>这些都基于二者均已回答的 {count:,} 张图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>All, by the score that the truth got.</source>
   <translation>全部，按真实类别所得的得分排列。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation>答案</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Answers</source>
   <extracomment>How often a class was given as the answer.</extracomment>
   <translation>答案数</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>Are its outputs probabilities, or raw values (logits)?</source>
   <translation>其输出是概率，还是原始值 (logits)？</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>At least {fewest} of each are needed.</source>
   <translation>每类至少需要 {fewest}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Be the only ground for a decision that can harm anybody.</source>
   <translation>作为可能伤害任何人的决定的唯一依据。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Begin it again whenever you like; nothing was kept.</source>
   <translation>你可以随时重新开始；没有保留任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Both ends must be numbers.</source>
   <translation>两端必须是数字。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Both ends of a range of whole numbers must be whole numbers.</source>
   <translation>整数范围的两端必须是整数。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Bright areas point towards '{labels}' ({how}, model {id})</source>
   <translation>明亮区域指向 '{labels}'（{how}，模型 {id}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>CAUTION: {unanswered}
</source>
   <translation>注意：{unanswered}
</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>CIFAR-10</source>
   <translation>CIFAR-10</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>CMYK without a usable colour profile, converted to sRGB approximately</source>
   <translation>没有可用颜色配置文件的 CMYK，已近似转换为 sRGB</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Calibration</source>
   <translation>校准</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Cats and dogs</source>
   <translation>猫和狗</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Change it in the plan's file.</source>
   <translation>请在方案文件中更改。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Change its permissions or copy it.</source>
   <translation>请更改其权限或复制它。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Check --storage, or give the search another --name.</source>
   <translation>请检查 --storage，或给搜索另一个 --name。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Check it.</source>
   <translation>请检查它。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Check some labels, too.</source>
   <translation>也请检查一些标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>Check that it is there.</source>
   <translation>请检查它是否存在。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Check that it was not moved or its drive removed.</source>
   <translation>请检查它是否被移动，或其驱动器是否被移除。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>Check the disk, then try again.</source>
   <translation>请检查磁盘，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>Check the drive and the folder.</source>
   <translation>请检查驱动器和文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Check the drive or the connection, then try again.</source>
   <translation>请检查驱动器或连接，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Check the path.</source>
   <translation>请检查路径。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>Check this installation: models, engine, window.</source>
   <translation>检查此安装：模型、引擎、窗口。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Chest X-rays: strided convolutions</source>
   <translation>胸部 X 线片：带步幅的卷积</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>Choose 'covering parts' (occlusion).</source>
   <translation>请选择“遮盖法”(occlusion)。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Choose a .keras, .h5, .tflite or .zip file.</source>
   <translation>请选择 .keras、.h5、.tflite 或 .zip 文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Choose a file that ends in .h5 or .weights.h5.</source>
   <translation>请选择以 .h5 或 .weights.h5 结尾的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>Choose a name that says what the model tells apart.</source>
   <translation>请选择能说明模型区分什么的名称。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Choose a new folder: nothing is written over.</source>
   <translation>请选择新文件夹：不会覆盖任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Choose another file.</source>
   <translation>请选择其他文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>Choose another folder, or free some space.</source>
   <translation>请选择其他文件夹，或腾出一些空间。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>Choose another folder, or remove it.</source>
   <translation>请选择其他文件夹，或将其移除。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>Choose another folder.</source>
   <translation>请选择其他文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>Choose another model.</source>
   <translation>请选择其他模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>Choose another name.</source>
   <translation>请选择其他名称。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Choose another one.</source>
   <translation>请另选一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>Choose another place.</source>
   <translation>请选择其他位置。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>Choose another set.</source>
   <translation>请选择其他示例集。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>Choose another start.</source>
   <translation>请选择其他起点。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Choose frame 1 to {frames}.</source>
   <translation>请选择第 1 至 {frames} 帧。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/explaining.py" />
   <source>Choose gradients (grad-cam) or occlusion.</source>
   <translation>请选择梯度法 (grad-cam) 或遮盖法 (occlusion)。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Choose larger pictures or fewer layers.</source>
   <translation>请选择更大的图片或更少的层。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>Choose occlusion.</source>
   <translation>请选择遮盖法 (occlusion)。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Choose one of the questions, and give its answers as labels.</source>
   <translation>请选择其中一个问题，并以其答案作为标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Choose one with --split.</source>
   <translation>请用 --split 选择一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>Choose smaller pictures, a smaller network or a smaller batch.</source>
   <translation>请选择更小的图片、更小的网络或更小的批次。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Classes → labels</source>
   <translation>类别 → 标签</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Classes: {known}.</source>
   <translation>类别：{known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>Classify a few samples with every model, and draw the window.</source>
   <translation>用每个模型对几个示例分类，并绘制窗口。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>Classify pictures.</source>
   <translation>对图片分类。</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Classifying and evaluating need none of it; the full edition has Keras and TensorFlow.</source>
   <translation>分类和评估都不需要它；完整版带有 Keras 和 TensorFlow。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>Close it there, or choose another place.</source>
   <translation>请在那里关闭它，或选择其他位置。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Close other programs first.</source>
   <translation>请先关闭其他程序。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Close other programs or scale it down first.</source>
   <translation>请先关闭其他程序，或将其缩小。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>Close other programs or use a smaller picture.</source>
   <translation>请关闭其他程序，或使用较小的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>Close other programs, or use a smaller batch or smaller pictures, then go on from the checkpoint.</source>
   <translation>请关闭其他程序，或使用较小的批次或较小的图片，然后从检查点继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>Close other programs, then try again.</source>
   <translation>请关闭其他程序，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>Columns there: {there}.</source>
   <translation>其中的列：{there}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>Commands: {available}.</source>
   <translation>命令：{available}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Compared on the same images</source>
   <translation>在相同图片上的比较</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Computed on</source>
   <translation>计算设备</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Confusion matrix</source>
   <translation>混淆矩阵</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>Convert it again with a fixed size.</source>
   <translation>请以固定大小重新转换。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>Convert it again with built-in operations alone.</source>
   <translation>请仅用内置运算重新转换。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Copy it again.</source>
   <translation>请重新复制。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>Copy or download it again.</source>
   <translation>请重新复制或下载。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Copy or export it again.</source>
   <translation>请重新复制或导出。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Copy or export the file again.</source>
   <translation>请重新复制或导出文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>Copy or move pictures into folders by what a model says of them, or rename them.</source>
   <translation>按模型所说将图片复制或移动到文件夹，或重命名。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/samples.py" />
   <source>Copy samples into a folder: pictures to try, to evaluate a model on, to train on.</source>
   <translation>将示例复制到文件夹：可试用的图片、可评估模型的图片、可训练的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>Copy the whole disc or folder, not the DICOMDIR alone.</source>
   <translation>请复制整张光盘或整个文件夹，而不只是 DICOMDIR。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Copy them again from where they came, or go on without them.</source>
   <translation>请从来源重新复制，或不用它们继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Count, open and compare labelled pictures; say what is there and what is wrong with it.</source>
   <translation>清点、打开并比较带标签的图片；说明有什么，以及有什么问题。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Curves and threshold</source>
   <translation>曲线与阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>DATA is a folder with one folder for each class (also below train, val and test), an archive of one, an .npz file, IDX
files, or CIFAR's python batches. Nothing in it is changed, and what is printed names no folder of this computer.

exit status: 0 a model can be trained on it; 1 not as it is (the text says why), or it cannot be read; 2 wrong usage
</source>
   <translation>DATA 是每个类别各有一个文件夹的文件夹（也可位于 train、val 和 test 之下）、其压缩包、.npz 文件、
IDX 文件或 CIFAR 的 python 批次文件。其中的内容不会改变，输出中不提及这台计算机的任何文件夹。

退出状态：0 可用它训练模型；1 按现状不能（文本说明原因），或无法读取；2 用法错误
</translation>
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
   <translation>DATA 是每个类别各有一个文件夹的文件夹（其上可有 train、val、test 文件夹）、Keras 布局的 .npz 文件、
MNIST 的 IDX 文件，或 CIFAR-10 的 python 批次文件。没有 --split 时，若有数据划分 'test' 则取它。
不是模型标签的类别名称用 --map 对应；不作任何猜测，但仅大小写不同的名称视为相同，
并会说明这一点。

退出状态：0 每张图片都已回答；1 有些没有（会列出，且绝不计入），或模型或
数据无法使用；2 用法错误，包括未知的模型或类别对应；130 被 Ctrl-C 停止（到那时已回答的
保留为不完整的结果，可由窗口的“评估”打开）。
</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Data fingerprint</source>
   <translation>数据指纹</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Delete it.</source>
   <translation>请将其删除。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Delete or move that one first, then undo.</source>
   <translation>请先删除或移走那个，然后撤销。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Dense 100 on small grey letters that Fovea draws and shears.</source>
   <translation>全连接 100，用于 Fovea 绘制并错切的小灰度字母。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Develop it in a photo program and save it as TIFF or JPEG.</source>
   <translation>请用照片程序冲洗，并保存为 TIFF 或 JPEG。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Did you mean {topics}?</source>
   <translation>是指 {topics} 吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Difference in accuracy: {difference}.</source>
   <translation>准确率之差：{difference}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits from few pictures</source>
   <translation>数字：用少量图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: LeNet-5 of 1998</source>
   <translation>数字：1998 年的 LeNet-5</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: a LeNet</source>
   <translation>数字：一种 LeNet</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: dense 128 and 60</source>
   <translation>数字：全连接 128 和 60</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: one point of the grid</source>
   <translation>数字：网格的一个点</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: two convolutions</source>
   <translation>数字：两个卷积</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: two small dense layers</source>
   <translation>数字：两个小的全连接层</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Does it work here?</source>
   <translation>在这里管用吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>Draw the window into a PNG file, without a display.</source>
   <translation>无需显示器，将窗口绘制成 PNG 文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Draw where in a picture a model found its answer.</source>
   <translation>绘出模型在图片的何处找到答案。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Duplicate it and change the copy.</source>
   <translation>请创建其副本，并更改副本。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>ECE: top score against share right, 15 bins of equal width.</source>
   <translation>ECE：最高得分与正确比例，15 个等宽区间。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Each group stays on one side of the split.</source>
   <translation>每组都留在数据划分的同一侧。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Each group stays on one side of the split: a frame says little of a network that learnt from the next one.</source>
   <translation>每组都留在数据划分的同一侧：对从下一帧学习过的网络来说，前一帧说明不了什么。</translation>
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
   <translation>每个网络都在每种图片数量上重新训练，图片按类别的比例抽取，重复 --repeats 次，每次
抽取不同、初始权重不同；全部用相同的验证图片检查，或用 --test 在数据自带的测试集上
检查。测得的结果会保留：用相同的命令可从停止处继续。若图片数多于可用于学习的图片，
则在第一次训练之前拒绝。

示例：
  fovea study small-data --preset mnist-lenet --against mnist-mlp-32 --images 300,1000,3000 --repeats 3 --epochs 4
      --name digits --plot digits.png

退出状态：0 全部已测量；1 失败；2 用法错误或方案有误；130 被 Ctrl-C 停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Evaluate both models on the same pictures.</source>
   <translation>请在相同的图片上评估两个模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Evaluation of '{model}' on '{data}'</source>
   <translation>“{model}”在“{data}”上的评估</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>Expected 0 to 1.</source>
   <translation>预期为 0 至 1。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>Expected JSON with "kind": "{kind}".</source>
   <translation>预期为带 "kind": "{kind}" 的 JSON。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Expected are pictures (a struct with 'bytes', or binary) and labels (a number or a text).</source>
   <translation>预期为图片（带 'bytes' 的结构，或二进制）和标签（数字或文本）。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>Expected for instance names:{label}_#.</source>
   <translation>预期例如 names:{label}_#。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>Expected one that begins with {known}.</source>
   <translation>预期以 {known} 开头。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Expected: '{stem}'.</source>
   <translation>预期：'{stem}'。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>Expected: a folder for each class, named after it, with that class's pictures inside.</source>
   <translation>预期：每个类别各有一个以其命名的文件夹，其中是该类别的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Expected: a row for each picture, file first, label second.</source>
   <translation>预期：每张图片一行，先文件，后标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Expected: file first, label second.</source>
   <translation>预期：先文件，后标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>Expected: table:FILE:NAMES:LABELS.</source>
   <translation>预期：table:FILE:NAMES:LABELS。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it again from where it came.</source>
   <translation>请从来源重新导出。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it again, uncompressed if possible.</source>
   <translation>请重新导出，尽可能不压缩。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>Export it again.</source>
   <translation>请重新导出。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>Export it as .tflite.</source>
   <translation>请将其导出为 .tflite。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Export it as RGB.</source>
   <translation>请导出为 RGB。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it uncompressed (Explicit VR Little Endian).</source>
   <translation>请以不压缩方式导出 (Explicit VR Little Endian)。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Export it uncompressed and smaller.</source>
   <translation>请以不压缩且较小的方式导出。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>FOVEA_HOME=FOLDER moves all of Fovea's own files there.</source>
   <translation>FOVEA_HOME=FOLDER 将 Fovea 自己的所有文件移到那里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Features of VGG16</source>
   <translation>VGG16 的特征</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Fetch it: git lfs pull.</source>
   <translation>请获取它：git lfs pull。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Fetch or copy it again, or export it again where it was made.</source>
   <translation>请重新获取或复制它，或在其制作处重新导出。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Fetch or copy it again.</source>
   <translation>请重新获取或复制它。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Figure</source>
   <translation>指标</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Figures</source>
   <translation>指标</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Figures measured on such a split promise too much, unless each split numbers its people anew.</source>
   <translation>在这样的数据划分上测得的指标会过于乐观，除非每个划分都对其中的人重新编号。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Figures measured on such a split promise too much.</source>
   <translation>在这样的数据划分上测得的指标会过于乐观。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>First a new head alone, then its last layers too, slowly.</source>
   <translation>先单独训练新的分类头，然后缓慢地连同其最后几层。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 128, dropout, dense 60; 30 % for validation.</source>
   <translation>展平，全连接 128，dropout，全连接 60；30 % 用于验证。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 32, dense 32.</source>
   <translation>展平，全连接 32，全连接 32。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 32, dropout; the search varies it.</source>
   <translation>展平，全连接 32，dropout；由搜索变动。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>For example https://example.org/fovea/latest.json</source>
   <translation>例如 https://example.org/fovea/latest.json</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>For instance: C32k3s, P2, D128.</source>
   <translation>例如：C32k3s, P2, D128。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Four convolutions with normalisation and dropout on small grey pictures.</source>
   <translation>四个带归一化和 dropout 的卷积，用于小灰度图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>Fovea ended</source>
   <translation>Fovea 已结束</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>Fovea was closed</source>
   <translation>Fovea 已关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>Fovea {version}</source>
   <translation>Fovea {version}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Fovea's small residual net</source>
   <translation>Fovea 的小型残差网络</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Frame {frame} was asked for; the file has {count} frames.</source>
   <extracomment>Where the count is one, English says: Frame {frame} was asked for; the file has one frame.</extracomment>
   <translation>
    <numerusform>请求的是第 {frame} 帧；该文件有 {count} 帧。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Frame {index} is not in the DICOM's pixel data.</source>
   <translation>DICOM 的像素数据中没有第 {index} 帧。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>Free some space on the disk of Fovea's own data.</source>
   <translation>请在 Fovea 自己的数据所在的磁盘上腾出一些空间。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Free some space, or move Fovea's files with FOVEA_HOME.</source>
   <translation>请腾出一些空间，或用 FOVEA_HOME 移动 Fovea 的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>Free some space, then try again.</source>
   <translation>请腾出一些空间，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Free some space, then try again: what was said before is kept.</source>
   <translation>请腾出一些空间，然后重试：之前所说的都已保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>Free some space, use fewer or smaller pictures, or move Fovea's files with FOVEA_HOME.</source>
   <translation>请腾出一些空间，使用更少或更小的图片，或用 FOVEA_HOME 移动 Fovea 的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>From a score of</source>
   <translation>得分不低于</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>Get the data from its publisher again.</source>
   <translation>请从其发布者处重新获取数据。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>Get the weights from their publisher again.</source>
   <translation>请从其发布者处重新获取权重。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Give --data DATA.</source>
   <translation>请给出 --data DATA。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Give --images up to {there}.</source>
   <translation>请给出不超过 {there} 的 --images。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Give --repeats 1 or more.</source>
   <translation>请给出 1 或更大的 --repeats。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>Give a camera's number, a video file or an address.</source>
   <translation>请给出摄像头编号、视频文件或地址。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>Give a folder with one folder for each class, an archive of one, an .npz file, IDX files, CIFAR-10's python batches, or a folder of pictures with a table of their labels.</source>
   <translation>请给出每个类别各有一个文件夹的文件夹、其压缩包、.npz 文件、IDX 文件、CIFAR-10 的 python 批次文件，或带标签表格的图片文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Give another --name, or the options that this one was begun with.</source>
   <translation>请给出另一个 --name，或此搜索开始时所用的选项。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Give each setting once.</source>
   <translation>每项设置请只给出一次。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Give settings to vary and one trial or more.</source>
   <translation>请给出要变动的设置和一次或更多试验。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>Give the folder with --data.</source>
   <translation>请用 --data 给出文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Give the values to try: --vary KEY=a|b|c.</source>
   <translation>请给出要尝试的值：--vary KEY=a|b|c。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>Go on from the last checkpoint.</source>
   <translation>请从最近的检查点继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>Hand the project on again.</source>
   <translation>请重新移交该项目。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the area under the ROC curve is {local}; {card} says {value:.3f} ({low:.3f} to {high:.3f}) on {n:,}</source>
   <translation>此处的 ROC 曲线下面积为 {local}；{card}给出 {value:.3f}（{low:.3f} 至 {high:.3f}），基于 {n:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the area under the ROC curve is {local}; {card} says {value:.3f} without an interval.</source>
   <translation>此处的 ROC 曲线下面积为 {local}；{card}给出 {value:.3f}，没有区间。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local} and {listed}; {few} or more images are needed for an answer.</source>
   <translation>此处的{what}为 {local}，{listed}；需要 {few} 张或更多图片才能得出结论。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {card} names none to compare with.</source>
   <translation>此处的{what}为 {local}；{card}没有给出可比较的数值。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {listed}</source>
   <translation>此处的{what}为 {local}；{listed}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {listed}: {numbers}, so this may be the data that the card was made on. Then it tells nothing about other pictures.</source>
   <translation>此处的{what}为 {local}；{listed}：{numbers}，因此这可能正是卡片所依据的数据。那样的话，对其他图片便不能说明什么。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>How accuracy grows with the number of pictures.</source>
   <translation>准确率如何随图片数增长。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>How is a picture brought into its size: stretched, its middle cut out, or padded?</source>
   <translation>图片如何调整到其大小：拉伸、裁出中间，还是填充？</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>How the figures were made</source>
   <translation>指标是如何得出的</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>How were pixels scaled when it was trained? Wrong scaling gives wrong answers.</source>
   <translation>训练时像素如何缩放？错误的缩放会得到错误的答案。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>ITU Lab colour</source>
   <translation>ITU Lab 颜色</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>If colour goes with one class only, the network may learn that instead of the subject.</source>
   <translation>如果彩色只与一个类别相伴，网络学到的可能是颜色而不是内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>If several pictures show the same person or thing, some may lie on both sides of the split.</source>
   <translation>如果多张图片显示同一人或同一事物，其中一些可能分在数据划分的两侧。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Image</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>ImageNet's pictures were handed out for non-commercial research and education, under the terms of image-net.org. None of them comes with Fovea. Whether those terms reach a network that has learned from them is not settled: who uses it commercially should look into it.</source>
   <translation>ImageNet 的图片依据 image-net.org 的条款提供，用于非商业性研究和教育。Fovea 不附带其中任何一张。这些条款是否及于从中学习的网络尚无定论：商业使用者应自行查明。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images answered</source>
   <translation>已回答的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images without an answer</source>
   <translation>没有答案的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Import or train it again.</source>
   <translation>请导入它，或重新训练。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Imported from a file of the kind {format}.</source>
   <translation>从 {format} 类型的文件导入。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>In a checkout of Fovea: pip install '.[onnx]'. Or export as .tflite or .keras.</source>
   <translation>在 Fovea 检出的源码中：pip install '.[onnx]'。或导出为 .tflite 或 .keras。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>InceptionV3, fine-tuned</source>
   <translation>InceptionV3，微调</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Install Fovea again to restore it.</source>
   <translation>请重新安装 Fovea 以恢复。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Install Fovea again.</source>
   <translation>请重新安装 Fovea。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install Fovea with it: pip install '.[{extra}]' in its checkout</source>
   <translation>请连同它安装 Fovea：在其检出的源码中运行 pip install '.[{extra}]'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install it</source>
   <translation>请安装它</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Install it (pip install {package}), or export the file uncompressed.</source>
   <translation>请安装它（pip install {package}），或以不压缩方式导出文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Install it first.</source>
   <translation>请先安装它。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Install it: pip install optuna.</source>
   <translation>请安装它：pip install optuna。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Install that version, or ask for an export of the project.</source>
   <translation>请安装该版本，或请求导出该项目。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install the expected one: pip install {wanted}.</source>
   <translation>请安装预期的版本：pip install {wanted}。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install the package again: pip install --force-reinstall --no-deps {wanted}.</source>
   <translation>请重新安装该软件包：pip install --force-reinstall --no-deps {wanted}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Install the package that reads it (pip install pyarrow, or ".[parquet]" in a checkout), or write the pictures into a folder for each class with the package that made the file, for instance: {program}</source>
   <translation>请安装读取它的软件包（pip install pyarrow，或在检出的源码中用 ".[parquet]"），或用生成该文件的软件包将图片写入每个类别各一个的文件夹，例如：{program}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Install them under Models, or with 'fovea models install {id}', or choose another model.</source>
   <translation>请在“模型”中安装，或用 'fovea models install {id}'，或选择其他模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>Install them under Models, or with 'fovea models install {id}'.</source>
   <translation>请在“模型”中安装，或用 'fovea models install {id}'。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Intended use</source>
   <translation>预期用途</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Intervals are 95 % intervals: Wilson's score interval for shares (F1 by way of the Jaccard index); DeLong's for areas under ROC curves (fast form of Sun and Xu, 2014; Newcombe's where all is right); variance recovery (Zou and Donner, 2008) for means over classes; bootstrap for the others. They take images as independent of each other: where several show the same person or thing, they are too narrow.</source>
   <translation>区间为 95 % 区间：比例采用 Wilson 得分区间（F1 经由 Jaccard 指数）；ROC 曲线下面积采用 DeLong 区间（Sun 与 Xu 2014 年的快速形式；全部正确时用 Newcombe 区间）；各类别的平均采用方差恢复法（Zou 与 Donner，2008）；其余采用自助法 (bootstrap)。它们视图片为相互独立：若多张图片显示同一人或同一事物，则区间过窄。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Is the address right?</source>
   <translation>地址正确吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Is there a network?</source>
   <translation>有网络连接吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Is this column the one with the labels?</source>
   <translation>这一列是标签列吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Is this computer connected?</source>
   <translation>这台计算机已连接网络吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It answers with one of its 1,000 classes whatever the picture shows: there is no class for 'something else'.</source>
   <translation>不论图片显示什么，它都以 1,000 个类别之一作答：没有“其他”这个类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>It can be deleted.</source>
   <translation>可以删除它。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>It can no longer be undone.</source>
   <translation>已无法撤销。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It has no answer sets and no check of the kind of picture: both would have to be fitted on ImageNet's pictures, which may not be handed on.</source>
   <translation>它没有可能答案的集合，也没有图片类型检查：两者都需要在不得转交的 ImageNet 图片上拟合。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>It has no splits; leave the split out.</source>
   <translation>它没有数据划分；请省略该项。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>It is damaged, or made to fill the memory.</source>
   <translation>它已损坏，或目的是填满内存。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>It is made to fill the disk.</source>
   <translation>它的目的是填满磁盘。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>It is not the file that was published.</source>
   <translation>它不是所发布的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It is there to build a classifier of your own upon.</source>
   <translation>它用于在其基础上构建你自己的分类器。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>It names more files than Fovea takes; the rest was left out.</source>
   <translation>它列出的文件多于 Fovea 能接受的；其余已略去。</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>It names {count:,} files outside its own folder; nothing outside was opened.</source>
   <extracomment>Where the count is one, English says: It names {count:,} file outside its own folder; nothing outside was opened.</extracomment>
   <translation>
    <numerusform>它列出了自身文件夹之外的 {count:,} 个文件；没有打开文件夹之外的任何内容。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>It takes pictures of any size: which size was it trained with?</source>
   <translation>它接收任意大小的图片：训练时用的是什么大小？</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>It was left out; everything else goes on.</source>
   <translation>它被略去；其他一切继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>It was not unpacked.</source>
   <translation>没有解压。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Its classes: {classes}.</source>
   <translation>其类别：{classes}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Its data are most likely damaged. {save_again}</source>
   <translation>其数据很可能已损坏。{save_again}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Its labels: {labels}.</source>
   <translation>其标签：{labels}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>Its last checkpoint stays with the run.</source>
   <translation>其最近的检查点与训练一起保留。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Its layers: {known}.</source>
   <translation>其各层：{known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Its outputs are probabilities: say so, or leave it to the file.</source>
   <translation>其输出是概率：请如此说明，或由文件决定。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_rows.py" />
   <source>Its pictures are looked at again.</source>
   <translation>将重新查看其图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>Its pictures have to lie in its folder or below, and another column has to name their classes.</source>
   <translation>其图片必须位于它所在的文件夹或其下，并且另有一列给出图片的类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Its publisher has to mend that.</source>
   <translation>须由其发布者修正。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Its scores are model scores: nobody has checked here how often a score of 0.9 is right.</source>
   <translation>它的得分是模型得分：这里没有人检查过得分 0.9 有多常正确。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Its training began from the model {parent}.</source>
   <translation>其训练从模型 {parent} 开始。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>Its weights are kept in 16 bits, which changes scores by up to a few thousandths.</source>
   <translation>其权重以 16 位保存，这使得分最多改变千分之几。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>Its weights do not come with Fovea</source>
   <translation>其权重不随 Fovea 提供</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>JPEG of the old style</source>
   <translation>旧式 JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>JPEG of {precision} bits</source>
   <translation>{precision} 位的 JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF decoded; HEIF by libheif {libheif_version}</source>
   <translation>JPEG、PNG、WebP、GIF、BMP、TIFF、AVIF 已解码；HEIF 由 libheif {libheif_version} 解码</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or DICOM</source>
   <translation>JPEG、PNG、WebP、GIF、BMP、TIFF、HEIC、AVIF 或 DICOM</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>JSON instead of text</source>
   <translation>以 JSON 代替文本</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>JSON lines instead of text; the last one is the result</source>
   <translation>以 JSON 行代替文本；最后一行是结果</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Judge some in Evaluate's gallery, then take them over.</source>
   <translation>请先在“评估”的图库中判断一些，然后采用它们。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Keras cannot build it: {words}</source>
   <translation>Keras 无法构建它：{words}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>Keras {version} on {backend}</source>
   <translation>Keras {version}，后端 {backend}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Known are C32k3s, C32k3v/2, P2, A2, D128, flatten, gap, gmp, BN, drop.25, act:relu; see the documentation.</source>
   <translation>已知的有 C32k3s、C32k3v/2、P2、A2、D128、flatten、gap、gmp、BN、drop.25、act:relu；参见文档。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Known failures</source>
   <translation>已知的失败</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>Known ones: {known}.</source>
   <translation>已知的：{known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Known: {activations}.</source>
   <translation>已知的：{activations}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>Known: {initialisers}.</source>
   <translation>已知的：{initialisers}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Lab colour of {bits} bits</source>
   <translation>{bits} 位的 Lab 颜色</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>Label pictures, and let a head learn from the labels at once.</source>
   <translation>标注图片，并让分类头立即从标签学习。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>Label some first.</source>
   <translation>请先标注一些。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Label some more, then make the model again and compare.</source>
   <translation>请再标注一些，然后重新制作模型并比较。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Label some more.</source>
   <translation>请再标注一些。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Label some, then export.</source>
   <translation>请先标注一些，然后导出。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Labels and preprocessing are what its user said on importing it; where they are wrong, its answers are.</source>
   <translation>标签和预处理按其用户导入时所说；若它们有误，其答案也有误。</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Languages: {known}.</source>
   <translation>语言：{known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/selftest.py" />
   <source>Layers that mix the pictures of a batch cannot be used; save the network without them.</source>
   <translation>混合批次中各图片的层不能使用；请保存不含它们的网络。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>Layers there: {names}.</source>
   <translation>其中的层：{names}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/transfer_plans.py" />
   <source>Layers there: {value}.</source>
   <translation>其中的层：{value}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Learnt from</source>
   <translation>学习自</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Leave --size and --colour out.</source>
   <translation>请省略 --size 和 --colour。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Leave --test out: validation is measured then.</source>
   <translation>请省略 --test：那样测量的是验证集。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>Leave the threshold out.</source>
   <translation>请省略阈值。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Let the evaluation come to its end.</source>
   <translation>请让评估进行到底。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Letters of a captcha</source>
   <translation>验证码字母</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Limits</source>
   <translation>局限</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>List the components of this program with their licences.</source>
   <translation>列出本程序的组件及其许可证。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>List what there is.</source>
   <translation>请列出现有的内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Look among the deleted ones.</source>
   <translation>请在已删除的项目中查找。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Look at the files, or the model.</source>
   <translation>请检查文件或模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>Look at the folder and the disk it lies on, then try again.</source>
   <translation>请检查文件夹及其所在的磁盘，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>Look at the folder of Fovea's own data, then try again.</source>
   <translation>请检查 Fovea 自己的数据的文件夹，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Look at the rights of Fovea's own data folder.</source>
   <translation>请检查 Fovea 自己的数据文件夹的权限。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>Look for the file whose hash the catalogue names.</source>
   <translation>请查找目录中所列哈希值对应的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Look for the right file.</source>
   <translation>请找到正确的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Look through labelled pictures.</source>
   <translation>检查带标签的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>Look whether that is right, then confirm it: {ways}. Or sort the pictures into a folder for each class.</source>
   <translation>请查看是否正确，然后确认：{ways}。或将图片整理到每个类别各一个的文件夹中。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Look whether the drive is still connected, then try again.</source>
   <translation>请检查驱动器是否仍然连接，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>Lower the learning rate; {kept}.</source>
   <translation>请降低学习率；{kept}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>MNIST</source>
   <translation>MNIST</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>MONOCHROME1, inverted</source>
   <translation>MONOCHROME1，已反相</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Make it first.</source>
   <translation>请先创建它。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>Make room and resume.</source>
   <translation>请腾出空间并继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>Make room on the disk, or allow Fovea to write to its folder.</source>
   <translation>请在磁盘上腾出空间，或允许 Fovea 写入其文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>Make room, or choose a later layer or one with a global pooling after it: it has fewer features.</source>
   <translation>请腾出空间，或选择更靠后的层或其后有全局池化的层：其特征更少。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Make the plan again to begin from the version that there is.</source>
   <translation>请重新制定方案，从现有的版本开始。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>Make the plan again.</source>
   <translation>请重新制定方案。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Map at least one class to a label.</source>
   <translation>请将至少一个类别对应到标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>McNemar by person</source>
   <translation>按人计的 McNemar</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Mean score</source>
   <translation>平均得分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Measure a model on labelled pictures.</source>
   <translation>在带标签的图片上测量模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Method</source>
   <translation>方法</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Model</source>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Model file, SHA-256</source>
   <translation>模型文件，SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Models in the store: {known}.</source>
   <translation>模型库中的模型：{known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Most frequent confusions</source>
   <translation>最常见的混淆</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Most frequent confusions:</source>
   <translation>最常见的混淆：</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>Move '{name}' away from Fovea's data.</source>
   <translation>请将 '{name}' 移出 Fovea 的数据。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Must not be used for</source>
   <translation>不得用于</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Name one label for each class.</source>
   <translation>请为每个类别指定一个标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Name one of its layers instead.</source>
   <translation>请改为指定其一层。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Names</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>Names of files are written as they are, with the folders inside the data and none above them.</source>
   <translation>文件名按原样写出，包括数据内部的文件夹，不包括其上级文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Negative predictive value</source>
   <translation>阴性预测值</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Negative predictive value (%)</source>
   <translation>阴性预测值 (%)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Network: {credit} Weights as published {where}; licence: {licence}.</source>
   <translation>网络：{credit} 权重按发布时的状态，{where}；许可证：{licence}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/language.py" />
   <source>No font of this computer has the characters of this language: they are drawn as boxes. Install one, for instance 'Noto Sans CJK' (fonts-noto-cjk), and start Fovea again.</source>
   <translation>此计算机上没有含该语言字符的字体：它们会显示为方框。请安装一种字体，例如 'Noto Sans CJK'（fonts-noto-cjk），然后重新启动 Fovea。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>No mistake was made on the pictures it was checked with; that is no promise for others.</source>
   <translation>在用于检查的图片上没有出错；这不是对其他图片的保证。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Nobody but you has checked this model: its figures come from {n} pictures of the {split} split of '{title}' and say nothing about other pictures.</source>
   <translation>除你之外没有人检查过此模型：其指标来自“{title}”的 {split} 数据划分的 {n} 张图片，对其他图片不能说明什么。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Nobody has measured it in Fovea: see 'Evaluate' with labelled pictures of your own.</source>
   <translation>还没有人在 Fovea 中测量过它：请参见“评估”，使用你自己的带标签图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Not opened.</source>
   <translation>未打开。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Not stated: whoever imported it knows what it is for.</source>
   <translation>未说明：导入者知道其用途。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Nothing was installed. </source>
   <translation>没有安装任何内容。 </translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Nothing was taken over.</source>
   <translation>没有采用任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Nothing was written.</source>
   <translation>没有写入任何内容。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Notice</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Numbers</source>
   <translation>数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>ONNX Runtime {version}</source>
   <translation>ONNX Runtime {version}</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/figures/result.py" />
   <source>Of these: {reason}.</source>
   <extracomment>Where the count is one, English says: This one: {reason}.</extracomment>
   <translation>
    <numerusform>原因：{reason}。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>One JSON object: painted and answered, in seconds on the computer's steady clock, which a caller that notes the moment of the start can subtract from.</source>
   <translation>一个 JSON 对象：绘制完成和给出答案的时刻，以这台计算机的单调时钟的秒数计，记下启动时刻的调用者可由此相减。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>One convolution, dense 1024, dropout; three epochs.</source>
   <translation>一个卷积，全连接 1024，dropout；三轮。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>One convolution, pooling, dense 512.</source>
   <translation>一个卷积，池化，全连接 512。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>One label a line, or a JSON list of texts.</source>
   <translation>每行一个标签，或文本的 JSON 列表。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>One of the labels is wrong: correct the folders, or leave these pictures out.</source>
   <translation>其中一个标签是错的：请改正文件夹，或略去这些图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>One row of the TIFF's tiles takes {row} MiB; expected at most {max_tile_row} MiB.</source>
   <translation>TIFF 的一行图块占 {row} MiB；预期最多 {max_tile_row} MiB。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Open an image of the same examination.</source>
   <translation>请打开同一检查的图像。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>Open it again where it is now.</source>
   <translation>请在它现在的位置重新打开。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>Open it in another program and save it again as PNG or JPEG.</source>
   <translation>请用其他程序打开，并重新保存为 PNG 或 JPEG。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Open it in another program and save it again, or copy it again from where it came.</source>
   <translation>请用其他程序打开并重新保存，或从来源重新复制。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Open it in another program and save it again.</source>
   <translation>请用其他程序打开并重新保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Open one of its files.</source>
   <translation>请打开其中的一个文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>Open the folder that it lies in instead.</source>
   <translation>请改为打开它所在的文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Open the folder that it lies in.</source>
   <translation>请打开它所在的文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>Open the window offscreen with a picture; print when it was painted and when it was answered.</source>
   <translation>离屏打开窗口并载入图片；输出绘制完成和给出答案的时刻。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Opening the picture took more than {work_s:.0f} seconds of work and was given up.</source>
   <translation>打开图片已耗费超过 {work_s:.0f} 秒的处理时间，已放弃。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Or fetch the file on another computer and install it from there: choose 'From a file', or --from FILE.</source>
   <translation>或在另一台计算机上获取该文件，再从那里安装：选择“从文件”，或 --from FILE。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>Or is it '{name}'? Then give that file.</source>
   <translation>还是指 '{name}'？那么请给出该文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Or set augment.STEP.SETTING.</source>
   <translation>或设置 augment.STEP.SETTING。</translation>
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
   <translation>PROJECT 是项目的标识或名称，或图片文件夹：首次指定时创建其项目。图片留在
原处，绝不会被改动。命令继续之前，每个标签都已写入磁盘。

示例：
  fovea teach create "My pets" photos
  fovea teach label my-pets labels.csv --folder photos
  fovea teach suggest my-pets --csv suggestions.csv
  fovea teach accept my-pets --at-least 0.98
  fovea teach make my-pets --name Pets
  fovea teach export my-pets sorted --link

退出状态：0 一切正常；1 有失败（文本说明原因）；2 用法错误；130 被 Ctrl-C 停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Parts: {parts}.</source>
   <translation>各部分：{parts}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>People or cases</source>
   <translation>人或病例</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Per class</source>
   <translation>各类别</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Percent, with 95 % intervals. FPR = 100 − specificity, FNR = 100 − recall.</source>
   <translation>百分比，附 95 % 区间。FPR = 100 − 特异度，FNR = 100 − 召回率。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures are brought to {width}×{height} colour pixels: what is lost there cannot count.</source>
   <translation>图片调整为 {width}×{height} 的彩色像素：其中丢失的内容不起作用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures are brought to {width}×{height} grey pixels: what is lost there cannot count.</source>
   <translation>图片调整为 {width}×{height} 的灰度像素：其中丢失的内容不起作用。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Pictures are prepared for training once and kept; they can be made again at any time.</source>
   <translation>图片为训练预处理一次并保留；随时可以重新生成。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures like those of '{title}', for learning and trying out.</source>
   <translation>与“{title}”中类似的图片，用于学习和试用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Pixels go in {scaling}.</source>
   <translation>像素输入为：{scaling}。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>Please report this.</source>
   <translation>请报告此问题。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Positive predictive value</source>
   <translation>阳性预测值</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Positive predictive value (%)</source>
   <translation>阳性预测值 (%)</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Precision-recall curve</source>
   <translation>精确率-召回率曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Prepare the pictures as the model takes them.</source>
   <translation>请按模型的要求预处理图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>Print a page of the help, or look for words in it.</source>
   <translation>输出帮助的一页，或在其中查找词语。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Projects: {listed}.</source>
   <translation>项目：{listed}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Put pictures that open into each of their folders.</source>
   <translation>请在它们的每个文件夹中放入能打开的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>Put them back as they were, or begin a new run.</source>
   <translation>请将它们恢复原样，或开始新的训练。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Put them into its address (HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT).</source>
   <translation>请将它们写入其地址 (HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT)。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>ROC curve</source>
   <translation>ROC 曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Reliability</source>
   <translation>可靠性</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Rename that one first.</source>
   <translation>请先重命名那个。</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>Rename their folders, for instance to 'class 1', or by what the pictures show, then try again.</source>
   <extracomment>Where the count is one, English says: Rename its folder, for instance to 'class 1', or by what the pictures show, then try again.</extracomment>
   <translation>
    <numerusform>请重命名它们的文件夹，例如改为“类别 1”或按图片内容命名，然后重试。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正确</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Right among them</source>
   <translation>其中正确的</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Rows: truth. Columns: answer. Tint: share of the row.</source>
   <translation>行：真实类别。列：答案。颜色：占该行的比例。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Run it again.</source>
   <translation>请重新运行。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again as an uncompressed TIFF or as PNG.</source>
   <translation>请重新保存为不压缩的 TIFF 或 PNG。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again in strips or smaller tiles.</source>
   <translation>请以条带或较小的图块重新保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again in strips or tiles, or uncompressed.</source>
   <translation>请以条带或图块，或以不压缩方式重新保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save it again with a recent Keras as .keras.</source>
   <translation>请用较新的 Keras 重新保存为 .keras。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>Save it again.</source>
   <translation>请重新保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Save it as PNG or as a plain TIFF first.</source>
   <translation>请先将其保存为 PNG 或普通 TIFF。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>Save it as PNG or as an ordinary JPEG first.</source>
   <translation>请先将其保存为 PNG 或普通 JPEG。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>Save it as UTF-8.</source>
   <translation>请将其保存为 UTF-8。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>Save it as an ordinary (baseline) JPEG, or scale it down.</source>
   <translation>请将其保存为普通（基线）JPEG，或将其缩小。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Save it smaller in another program first.</source>
   <translation>请先用其他程序以较小尺寸保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Save or export it as PNG or JPEG first.</source>
   <translation>请先将其保存或导出为 PNG 或 JPEG。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>Save or export the network again.</source>
   <translation>请重新保存或导出该网络。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save the part that goes from one picture to the scores of the classes.</source>
   <translation>请保存从一张图片到各类别得分的部分。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save the whole network: model.save('net.keras').</source>
   <translation>请保存整个网络：model.save('net.keras')。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Say that they are raw values (logits), if they are.</source>
   <translation>如果它们是原始值 (logits)，请如此说明。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Say which label each class means, for instance: {lines} (an empty label leaves a class out).</source>
   <translation>请说明每个类别指哪个标签，例如：{lines}（标签留空则略去该类别）。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Say which one by its id.</source>
   <translation>请用其标识说明是哪一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>Say which one is meant.</source>
   <translation>请说明指的是哪一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Scale it down in another program first.</source>
   <translation>请先用其他程序将其缩小。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Searches: {value}.</source>
   <translation>搜索：{value}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>Set FOVEA_DATA to the folder that holds it.</source>
   <translation>请将 FOVEA_DATA 设为它所在的文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Set it for all trials with --set; of the data, data.limit can be varied.</source>
   <translation>请用 --set 为所有试验设置它；数据方面可变动 data.limit。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>Set one of them: {inner}.</source>
   <translation>请设置其中之一：{inner}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>Settings there: {allowed}.</source>
   <translation>其中的设置：{allowed}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>Settings there: {names}.</source>
   <translation>其中的设置：{names}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Several images belong to one person or case ({persons:,} in all, told by file names or DICOM numbers). The intervals are 95 % intervals and rest on persons, not images ('by person'): Wilson's score interval on the effective number of images (Rao and Scott, 1992) for shares, F1 by way of the Jaccard index; Obuchowski's (1997) for areas under ROC curves; the variance over persons for the Brier score; a bootstrap of whole persons (Field and Welsh, 2007) for the others.</source>
   <translation>多张图片属于同一人或同一病例（共 {persons:,}，由文件名或 DICOM 编号得知）。区间为 95 % 区间，以人而非图片为单位（“按人”）：比例采用基于有效图片数的 Wilson 得分区间（Rao 与 Scott，1992），F1 经由 Jaccard 指数；ROC 曲线下面积采用 Obuchowski (1997) 的方法；Brier 分数采用人间方差；其余采用对整个人的自助法（Field 与 Welsh，2007）。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Share of positives</source>
   <translation>阳性的比例</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Some characters are drawn as boxes: no font of this computer has them. Install one, for instance 'Noto Sans CJK' (fonts-noto-cjk), or write the report as HTML, which any browser shows.</source>
   <translation>有些字符显示为方框：这台计算机没有包含它们的字体。请安装一种，例如 'Noto Sans CJK' (fonts-noto-cjk)，或将报告写为任何浏览器都能显示的 HTML。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation>拆分</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>Splits there: {listing}.</source>
   <translation>其中的数据划分：{listing}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/answers.py" />
   <source>Start Fovea again.</source>
   <translation>请重新启动 Fovea。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>Start Fovea again; if that does not help, run 'fovea selftest'.</source>
   <translation>请重新启动 Fovea；如果没有帮助，请运行 'fovea selftest'。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searching.py" />
   <source>Start it again: it goes on.</source>
   <translation>请重新启动它：它会继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>Stop it first.</source>
   <translation>请先停止它。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Store the pictures as files in class folders.</source>
   <translation>请将图片作为文件存入类别文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>Such parts can run code of their own. Rebuild the network from usual Keras layers, or export it as .tflite.</source>
   <translation>此类部分可运行自带的代码。请用常用的 Keras 层重建网络，或导出为 .tflite。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Take it back from a copy of Fovea's folder, or delete it.</source>
   <translation>请从 Fovea 文件夹的副本中恢复，或将其删除。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>Take it up again.</source>
   <translation>请继续它。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>Take its embedding, or install the model again.</source>
   <translation>请采用其嵌入，或重新安装该模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>Teachable Machine also exports 'Tensorflow Lite' ('Floating point'): its .tflite can be imported as it is.</source>
   <translation>Teachable Machine 也可导出 'Tensorflow Lite'（'Floating point'）：其 .tflite 可直接导入。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Tells apart {names}.</source>
   <translation>区分 {names}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The 16-layer net of Simonyan and Zisserman (2014), from random weights; very large and slow.</source>
   <translation>Simonyan 与 Zisserman (2014) 的 16 层网络，从随机权重开始；非常大且慢。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM has {samples} samples a pixel, as of inks or with transparency; expected grey or RGB.</source>
   <translation>DICOM 每像素有 {samples} 个采样，像是油墨或带透明度的；预期为灰度或 RGB。</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM holds {have:,} bytes of pixel data; its header ({columns}×{rows} pixels, {count} frames) asks for {need:,}.</source>
   <extracomment>Where the count is one, English says: The DICOM holds {have:,} bytes of pixel data; its header ({columns}×{rows} pixels, {count} frame) asks for {need:,}.</extracomment>
   <translation>
    <numerusform>DICOM 含 {have:,} 字节的像素数据；其文件头（{columns}×{rows} 像素，{count} 帧）需要 {need:,} 字节。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM holds {what} without pixel data; expected a picture.</source>
   <translation>DICOM 含有 {what}，没有像素数据；预期为图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM needs more memory than is free.</source>
   <translation>DICOM 需要的内存超过可用内存。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's colour model is not one that Fovea knows; expected grey, palette, RGB or YBR.</source>
   <translation>DICOM 的颜色模型不是 Fovea 所认识的；预期为灰度、调色板、RGB 或 YBR。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's compressed pixel data ({name}) cannot be decoded.</source>
   <translation>DICOM 的压缩像素数据（{name}）无法解码。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header asks for {samples} samples of {stored} bits in {allocated}; expected 1 or 3 samples of 1 to 64 bits.</source>
   <translation>DICOM 的头信息要求在 {allocated} 位中存放 {samples} 个 {stored} 位的采样；预期为 1 或 3 个 1 至 64 位的采样。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header describes a picture, but the file ends before its pixel data.</source>
   <translation>DICOM 的头信息描述了图片，但文件在像素数据之前中断。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header has no valid {keyword}.</source>
   <translation>DICOM 的头信息没有有效的 {keyword}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header is nested too deeply to be honest.</source>
   <translation>DICOM 的头信息嵌套过深，不像是真实的。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header or pixel data are damaged.</source>
   <translation>DICOM 的头信息或像素数据已损坏。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's header promises a compressed frame of {columns}×{rows} pixels, {samples} samples; the frame {what}.</source>
   <translation>DICOM 的头信息称压缩帧为 {columns}×{rows} 像素、{samples} 个采样；而该帧{what}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's pixel data are in {name}, for which Fovea has no decoder.</source>
   <translation>DICOM 的像素数据采用 {name}，Fovea 没有相应的解码器。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's pixel data are in {name}; decoding that needs the package {package}.</source>
   <translation>DICOM 的像素数据采用 {name}；解码需要软件包 {package}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>The DICOMDIR names no files.</source>
   <translation>DICOMDIR 没有列出文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG declares {width}×{height} pixels, {pixels:,.0f} million, in {size:,} bytes; expected at most {max_pixels} million in so small a file.</source>
   <translation>JPEG 声明为 {width}×{height} 像素，即 {pixels:,.0f} 百万，而文件只有 {size:,} 字节；这么小的文件预期最多 {max_pixels} 百万。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG has {pixels:,.0f} million pixels and is progressive: decoding it takes {samples:.1f} GiB of memory; expected at most {max_coefficients:.1f}.</source>
   <translation>JPEG 有 {pixels:,.0f} 百万像素，且为渐进式：解码需要 {samples:.1f} GiB 内存；预期最多 {max_coefficients:.1f}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG's header is damaged.</source>
   <translation>JPEG 的文件头已损坏。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The LeNet on 5,900 pictures or fewer, four epochs.</source>
   <translation>在 5,900 张或更少图片上的 LeNet，四轮。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG ends before its end mark.</source>
   <translation>PNG 在结束标记之前中断。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG ends in the middle of its pixel data.</source>
   <translation>PNG 在像素数据中途中断。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG is split into more than a million chunks.</source>
   <translation>PNG 被分成一百多万个数据块。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>The PNG's animation has fewer frames than it says.</source>
   <translation>PNG 动画的帧数少于其声明。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>The PNG's animation is damaged.</source>
   <translation>PNG 的动画已损坏。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF ends before its picture does.</source>
   <translation>TIFF 在图片结束之前中断。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF says where {count} pieces of its picture lie; expected {first}.</source>
   <translation>TIFF 说明了其图片 {count} 块的位置；预期为 {first}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>The TIFF uses colours that its palette lacks.</source>
   <translation>TIFF 使用了调色板中没有的颜色。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>The TIFF {what}.</source>
   <translation>该 TIFF {what}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF's picture is compressed in pieces of {row} MiB; expected at most {max_segment} MiB.</source>
   <translation>TIFF 的图片以 {row} MiB 的块压缩；预期最多 {max_segment} MiB。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>The TIFF's picture is incomplete.</source>
   <translation>TIFF 的图片不完整。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF's pieces are {kind} of {shape} channels in {itemsize} bits, its header declares {samples} of {bits}.</source>
   <translation>TIFF 的块为 {kind}，{shape} 个通道，{itemsize} 位，而其文件头声明为 {samples} 个通道，{bits} 位。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The deflated DICOM grows beyond {max_file_bytes} MiB when inflated.</source>
   <translation>deflate 压缩的 DICOM 解压后超过 {max_file_bytes} MiB。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>The evaluation that was kept of these pictures is damaged. They are looked at again.</source>
   <translation>为这些图片保存的评估已损坏。将重新查看它们。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The figures are cross-validated: each of the {n} pictures was checked by a last layer that had not learned from it; the model itself has learned from all of them, and the same pictures chose the penalty and the temperature.</source>
   <translation>指标经交叉验证：{n} 张图片各由未学习过它的最后一层检查；模型本身则学习了全部图片，惩罚和温度也由相同的图片选定。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>The file begins like {kind}, but its header is damaged or of a variant that Fovea does not know.</source>
   <translation>文件开头像 {kind}，但其文件头已损坏，或是 Fovea 不认识的变体。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>The file cannot be read: {reason}.</source>
   <translation>文件无法读取：{reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file could not be read ({get}).</source>
   <translation>文件无法读取（{get}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file ends before its picture does.</source>
   <translation>文件在图片结束之前中断。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The file has {size} MiB; expected at most {max_file_bytes} MiB.</source>
   <translation>文件有 {size} MiB；预期最多 {max_file_bytes} MiB。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file holds {what}; expected {expected}.</source>
   <translation>文件含有 {what}；预期为 {expected}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The file is empty; expected a picture.</source>
   <translation>文件是空的；预期为图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>The file is left as it is. Look at the rights and the disk of Fovea's own data.</source>
   <translation>文件保持原样。请检查 Fovea 自己的数据的权限和磁盘。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>The file may have moved.</source>
   <translation>文件可能已移动。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The file or folder cannot be read: {reason}.</source>
   <translation>文件或文件夹无法读取：{reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The file or folder may not be read by this user.</source>
   <translation>此用户无权读取该文件或文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The folder cannot be read: {reason}.</source>
   <translation>文件夹无法读取：{reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The folder may not be read by this user.</source>
   <translation>此用户无权读取该文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>The full edition of Fovea has it.</source>
   <translation>完整版 Fovea 有此功能。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The library that opens this format crashed ({detail}).</source>
   <translation>打开此格式的库已崩溃（{detail}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The library that opens this format ended with an unexpected fault ({detail}).</source>
   <translation>打开此格式的库因意外故障而结束（{detail}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>The model takes {local} for another kind of picture than its own; of its own, {percent} were to be expected (on {n:,} of split '{split}')</source>
   <translation>模型将 {local} 视为与其自身不同类型的图片；在其自身类型的图片中，预期为 {percent}（基于数据划分 '{split}' 的 {n:,} 张）</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>The model's card says nothing of its use.</source>
   <translation>模型卡片没有说明其用途。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>The model's gate says nothing of these pictures: {reason}.</source>
   <translation>模型的图片类型检查对这些图片没有给出结论：{reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>The name of the data's folder is hidden; names of files are written as they are.</source>
   <translation>数据文件夹的名称已隐藏；文件名按原样写出。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>The names of all {total:,} files and of their folders{title} are replaced by numbers.</source>
   <translation>全部 {total:,} 个文件及其文件夹的名称{title}都以编号代替。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>The names of its {expected} classes, in the order of its outputs{told}.</source>
   <translation>其 {expected} 个类别的名称，按输出顺序{told}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The net of 2012 (Krizhevsky, Sutskever, Hinton), from random weights; large and slow.</source>
   <translation>2012 年的网络（Krizhevsky、Sutskever、Hinton），从随机权重开始；大且慢。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The net of LeCun et al. 1998: tanh, average pooling.</source>
   <translation>LeCun 等人 1998 年的网络：tanh，平均池化。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The picture declares a size of {width}×{height} pixels; expected at least 1×1.</source>
   <translation>图片声明的大小为 {width}×{height} 像素；预期至少 1×1。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture has far too many pixels; expected at most {max_pixels} million.</source>
   <translation>图片的像素过多；最多应为 {max_pixels} 百万。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture has {what:,.0f} million pixels; expected at most {max_pixels} million.</source>
   <translation>图片有 {what:,.0f} 百万像素；最多应为 {max_pixels} 百万。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The picture has {width}×{height} pixels, {width2:,.0f} million; expected at most {most} million.</source>
   <translation>图片有 {width}×{height} 像素，即 {width2:,.0f} 百万；预期最多 {most} 百万。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>The picture is scaled until its shorter side has {resize_shorter} pixels and the middle {input}×{input} is used: what lies outside is not seen.</source>
   <translation>图片缩放到短边为 {resize_shorter} 像素，使用中间的 {input}×{input}：其外的内容看不到。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture needs more memory than is free.</source>
   <translation>图片需要的内存超过可用内存。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The picture needs more than the {memory:,} MiB of memory that Fovea gives to one picture.</source>
   <translation>图片需要的内存超过 Fovea 给每张图片的 {memory:,} MiB。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>The picture was read correctly; try another model.</source>
   <translation>图片读取正确；请尝试其他模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture's data are damaged and cannot be read.</source>
   <translation>图片数据已损坏，无法读取。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The picture's data are most likely damaged. {save_again}</source>
   <translation>图片数据很可能已损坏。{save_again}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>The run's log says where. The last checkpoint is kept.</source>
   <translation>训练日志说明了位置。最近的检查点已保留。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the epoch and the temperature: on new pictures expect a little less.</source>
   <translation>轮和温度由相同的验证图片选定：在新图片上预计略差。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the epoch, the temperature and the threshold: on new pictures expect a little less.</source>
   <translation>轮、温度和阈值由相同的验证图片选定：在新图片上预计略差。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the temperature and the threshold: on new pictures expect a little less.</source>
   <translation>温度和阈值由相同的验证图片选定：在新图片上预计略差。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the temperature: on new pictures expect a little less.</source>
   <translation>温度由相同的验证图片选定：在新图片上预计略差。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The same with rotation, shift, zoom and mirroring.</source>
   <translation>同上，加旋转、平移、缩放和镜像。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>The smaller number first; above 0 with log.</source>
   <translation>较小的数字在前；用 log 时须大于 0。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The system does not allow Fovea to read this file.</source>
   <translation>系统不允许 Fovea 读取此文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>The trainings on this computer.</source>
   <translation>这台计算机上的训练。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>The {shown:,} worst of {wrong:,}, by the score that the truth got.</source>
   <translation>{wrong:,} 张中最严重的 {shown:,} 张，按真实类别所得的得分排列。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>The {what} is not compared: here it was measured {ways}, on the model's card by the model's own decision, {ways2}.</source>
   <translation>未比较{what}：此处是{ways}测得的，模型卡片上则按模型自身的判定，{ways2}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>There are none.</source>
   <translation>没有。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>There are: {known}.</source>
   <translation>现有：{known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>There are: {names}.</source>
   <translation>现有：{names}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>There is no area under the ROC curve here: {reason}.</source>
   <translation>此处没有 ROC 曲线下面积：{reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>There is no file of this name any more.</source>
   <translation>已没有此名称的文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>There is no such file or folder.</source>
   <translation>没有这样的文件或文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>There is no such folder.</source>
   <translation>没有这样的文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>There is no {what} here: {reason}.</source>
   <translation>此处没有{what}：{reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>These are not the published weights: whoever installed them vouched for their file. What it answers has not been checked.</source>
   <translation>这些不是所发布的权重：安装者为其文件作了担保。它的答案没有检查过。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>They are kept on one side of the split in any case.</source>
   <translation>无论如何，它们都留在数据划分的同一侧。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: a first demonstration</source>
   <translation>物品：初次演示</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: four convolutions</source>
   <translation>物品：四个卷积</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: four convolutions, augmented</source>
   <translation>物品：四个卷积，增强</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: normalised and with dropout</source>
   <translation>物品：带归一化和 dropout</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: one convolution</source>
   <translation>物品：一个卷积</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: three small convolutions</source>
   <translation>物品：三个小卷积</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>This TIFF holds {what}; it is not damaged.</source>
   <translation>此 TIFF 含有{what}；它没有损坏。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>This is a DICOMDIR, a list of DICOM files; expected a DICOM file with a picture.</source>
   <translation>这是 DICOMDIR，即 DICOM 文件的列表；预期为含图片的 DICOM 文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>This is a camera raw file; expected JPEG, PNG, TIFF or another finished picture.</source>
   <translation>这是相机原始 (RAW) 文件；预期为 JPEG、PNG、TIFF 或其他成品图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is a device or a pipe; expected a picture file.</source>
   <translation>这是设备或管道；预期为图片文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is a folder; expected a picture.</source>
   <translation>这是文件夹；预期为图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>This is neither a file nor a folder.</source>
   <translation>这既不是文件也不是文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>This is no DICOMDIR, whatever it is called.</source>
   <translation>不管名称如何，这不是 DICOMDIR。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>This is no file.</source>
   <translation>这不是文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>This is {name}, for which Fovea has no decoder outside DICOM; it is not damaged.</source>
   <translation>这是{name}，在 DICOM 之外 Fovea 没有相应的解码器；它没有损坏。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is {name}; expected {expected}.</source>
   <translation>这是 {name}；预期为 {expected}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>This link leads to itself.</source>
   <translation>此链接指向自身。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>This page is not translated yet; it is in English.</source>
   <translation>本页尚未翻译；以下为英文。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>This user may not read it.</source>
   <translation>此用户无权读取。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Three convolutions, two of stride 2, on large pictures, in small batches.</source>
   <translation>三个卷积，其中两个步幅为 2，用于大图片，小批次。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Three valid convolutions, squared error on one-hot.</source>
   <translation>三个 valid 卷积，对独热编码的平方误差。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Time</source>
   <translation>时间</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Top score</source>
   <translation>最高得分</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Topics: {topics}.</source>
   <translation>主题：{topics}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>Train a classifier, evaluate it and put it into the store.</source>
   <translation>训练分类器，评估它，并存入模型库。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Train nets on fewer and fewer pictures.</source>
   <translation>用越来越少的图片训练网络。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Training data</source>
   <translation>训练数据</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Truth</source>
   <translation>真实类别</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>Try --model {suits}.</source>
   <translation>请尝试 --model {suits}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>Try again a little later.</source>
   <translation>请稍后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Try again later.</source>
   <translation>请稍后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Try again, or ask the publisher.</source>
   <translation>请重试，或询问发布者。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar.py" />
   <source>Try again.</source>
   <translation>请重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Try again: it goes on from there.</source>
   <translation>请重试：将从那里继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Try many settings of a training and see which won.</source>
   <translation>尝试训练的多种设置，查看哪种最好。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two convolutions with batch normalisation and dropout, large batches.</source>
   <translation>两个带批归一化和 dropout 的卷积，大批次。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two convolutions, pooling, dense 128; large batches.</source>
   <translation>两个卷积，池化，全连接 128；大批次。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two pairs of convolutions, dense 512.</source>
   <translation>两对卷积，全连接 512。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two wide 5×5 convolutions with pooling, dense 500.</source>
   <translation>两个宽的 5×5 卷积加池化，全连接 500。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Type one that says what it is for.</source>
   <translation>请输入一个能说明用途的名称。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Type one.</source>
   <translation>请输入一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>Unpack it and pack it again without a password.</source>
   <translation>请将其解压，再不用密码重新压缩。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand, or copy it again.</source>
   <translation>请手动解压，或重新复制。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand, then give the folder.</source>
   <translation>请手动解压，然后给出该文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand.</source>
   <translation>请手动解压。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>Update Fovea, or export the model again.</source>
   <translation>请更新 Fovea，或重新导出模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Use --how features or --how fine-tune.</source>
   <translation>请使用 --how features 或 --how fine-tune。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>Use .html or .pdf.</source>
   <translation>请使用 .html 或 .pdf。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>Use a smaller batch or smaller pictures, or close other programs; then go on from the last checkpoint.</source>
   <translation>请使用较小的批次或较小的图片，或关闭其他程序；然后从最近的检查点继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Use it, or choose another name.</source>
   <translation>请使用它，或选择其他名称。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Use its embedding.</source>
   <translation>请使用其嵌入。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_results.py" />
   <source>Use letters, digits and hyphens.</source>
   <translation>请使用字母、数字和连字符。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>Use smaller pictures or batches.</source>
   <translation>请使用较小的图片或批次。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Use {listed} or {last}.</source>
   <translation>请使用 {listed} 或 {last}。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Use {listed}.</source>
   <translation>请使用 {listed}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>VGG16 as published stays as it is; a small head learns from what its layer block4_pool says.</source>
   <translation>所发布的 VGG16 保持不变；小分类头从其层 block4_pool 的输出学习。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>VGG16 from random weights</source>
   <translation>VGG16，从随机权重开始</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Value</source>
   <translation>数值</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Versions</source>
   <translation>版本</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Wait a moment, then try again.</source>
   <translation>请稍等片刻，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>Wait a moment.</source>
   <translation>请稍候。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>Wait for it, or stop it there.</source>
   <translation>请等待，或在那里停止它。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Wait for that one, then try again.</source>
   <translation>请等待那一个，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>Wait until it has finished, then try again.</source>
   <translation>请等到它完成，然后重试。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Weigh the classes, or add pictures to the small ones.</source>
   <translation>请给类别加权，或为小类别增加图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Weights have to lie in the file itself.</source>
   <translation>权重必须位于文件本身之中。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>What an answer means where the positive class is rarer or commoner, at this threshold:</source>
   <translation>在此阈值下，阳性类别更少见或更常见时，答案意味着什么：</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>What is checked with must not be learnt from: keep one of each.</source>
   <translation>用于检查的图片不得用于学习：每组保留一张。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>What is in the model store.</source>
   <translation>模型库中有什么。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>What is the model to be called?</source>
   <translation>模型叫什么名称？</translation>
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
   <translation>变动的是方案的字段，与 'fovea train --set' 相同：
  --vary optimizer.name=adam|sgd --vary architecture.dropout=0.1|0.2     值
  --range optimizer.rate=0.0001..0.01:log --range fit.batch=16..256:int   数字

--grid 尝试值的每种组合；--trials N 让 Optuna 的 TPE 选择 N 次，从所见中学习。
在同一轮差于其他试验中位的试验会提前结束（--no-prune：绝不）。同名的搜索
从停止处继续。多台计算机可共用一项：给每台相同的 --name 和 --storage，例如
postgresql://user@host/fovea。

每次试验都是一项训练（'fovea runs show'）；'fovea train --resume RUN' 制作最佳试验的模型。

示例：
  fovea search --preset mnist-grid --name digits --grid --vary architecture.layers=flatten,D16|flatten,D32
  fovea search --data photos --name pets --trials 20 --range optimizer.rate=0.0003..0.01:log --vary fit.batch=16|32
  fovea search --show pets --plot pets.png --csv pets.csv
  fovea search --list

退出状态：0 所有试验已完成；1 失败，或没有 --test 的指标；2 用法错误或方案有误；
130 被 Ctrl-C 停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>What it is</source>
   <translation>是什么</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>What may stand in braces: {allowed}.</source>
   <translation>大括号中可以写：{allowed}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>What was measured</source>
   <translation>测量了什么</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Whatever it is shown, it answers with one of its {count} classes.</source>
   <translation>不论给它看什么，它都以其 {count} 个类别之一作答。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>Where it was made, save it as .keras (model.save('net.keras')) or convert it to .tflite.</source>
   <translation>请在其制作处保存为 .keras（model.save('net.keras')）或转换为 .tflite。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Where it was made, save it as .keras or convert it to .tflite.</source>
   <translation>请在其制作处保存为 .keras 或转换为 .tflite。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Where no class holds half of the score it answers with the more general word whose classes do ('dog, perhaps Labrador retriever'), and where no word does, that it is not sure. On 2,600 photographs of cats, dogs and clothes, by which this was chosen, 94.7 % of the answers so given were true of the picture.</source>
   <translation>当没有类别占得分的一半时，它以其类别合计占到一半的更通用的词作答（“狗，也许是拉布拉多猎犬”）；若没有这样的词，则回答不确定。在据以选定此方法的 2,600 张猫、狗和衣物照片上，如此给出的答案有 94.7 % 符合图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Where your network looks into connections, its certificate has to be known: SSL_CERT_FILE names it.</source>
   <translation>如果你的网络会检查连接，则必须知道其证书：由 SSL_CERT_FILE 指定。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Why</source>
   <translation>原因</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>With --json one object: holds, version, edition, system, checks (list of name, state, detail, seconds).
A check's state is ok, failed, or not-installed: a model without its weights, or a part that this edition leaves out,
is reported, not failed.

exit status: 0 everything holds; 1 something does not; 2 wrong usage.
</source>
   <translation>带 --json 时为一个对象：holds、version、edition、system、checks（name、state、detail、seconds 的列表）。
检查的状态为 ok、failed 或 not-installed：没有权重的模型，或此版本不含的部分，
会被报告，但不算失败。

退出状态：0 一切正常；1 有不正常的；2 用法错误。
</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>With --json: 'list' prints one list of objects (id, name, state, bundled, version, labels, input, size, medical, notice,
problem), 'show' one object (the same fields and 'manifest'), 'verify' one list of objects (id, state, holds, problem,
files with name and verdict).

exit status: 0 all well (a model whose weights are not installed is no fault); 1 a model is damaged;
2 wrong usage, an unknown model among it; 130 stopped by Ctrl-C (what was fetched is kept for the next try).
</source>
   <translation>带 --json：'list' 输出一个对象列表（id、name、state、bundled、version、labels、input、size、medical、notice、
problem），'show' 输出一个对象（相同字段和 'manifest'），'verify' 输出一个对象列表（id、state、holds、problem、
带 name 和 verdict 的 files）。

退出状态：0 一切正常（权重未安装的模型不算故障）；1 有模型损坏；
2 用法错误，包括未知的模型；130 被 Ctrl-C 停止（已下载的内容保留到下次尝试）。
</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>With fewer than {fewest} pictures to check with these are no figures to compare by.</source>
   <translation>用于检查的图片少于 {fewest} 张时，没有可供比较的指标。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>With {n} pictures to check with the figures are rough; see their intervals.</source>
   <translation>只有 {n} 张图片用于检查，指标是粗略的；请看其区间。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>With {persons:,} persons only, no interval is to be relied on much.</source>
   <translation>只有 {persons:,} 个人，任何区间都不可过于信赖。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>Without a display and without a network. The pictures of the window go to --out (default: ./out).

exit status: 0 every picture was answered and the window drawn; 1 something failed; 2 wrong usage.
</source>
   <translation>无需显示器和网络。窗口图片写入 --out（默认：./out）。

退出状态：0 每张图片都已回答且窗口已绘制；1 有失败；2 用法错误。
</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>Without a topic: the list of topics. TOPIC#PART prints one part of a page. 'fovea --help' lists the commands,
'fovea COMMAND --help' the options of one.

exit status: 0; 1 nothing was found, or the pages cannot be read; 2 there is no such topic.
</source>
   <translation>不带主题：主题列表。TOPIC#PART 输出页面的一部分。'fovea --help' 列出各命令，
'fovea COMMAND --help' 列出某个命令的选项。

退出状态：0；1 没有找到，或页面无法读取；2 没有这样的主题。
</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>Without names: a table. With names: those components with the texts of their licences. --json gives a list of objects
with name, version, licence (SPDX), kind, homepage, source and texts.

Qt and PySide6 are used under the LGPL, version 3: their libraries lie beside the program as files of their own and may
be replaced by your own build. docs/licences.md has the steps.

exit status: 0; 1 the list cannot be read; 2 there is no such component.
</source>
   <translation>不带名称：表格。带名称：这些组件及其许可证文本。--json 给出对象列表，
含 name、version、licence (SPDX)、kind、homepage、source 和 texts。

Qt 和 PySide6 依据 LGPL 第 3 版使用：它们的库作为独立文件位于程序旁边，
可以用你自己构建的版本替换。步骤见 docs/licences.md。

退出状态：0；1 列表无法读取；2 没有这样的组件。
</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Without one there is 'fovea demo'.</source>
   <translation>没有显示器时可用 'fovea demo'。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Write KEY=A|B|C.</source>
   <translation>请写成 KEY=A|B|C。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Write KEY=LOW..HIGH, with :log or :int.</source>
   <translation>请写成 KEY=LOW..HIGH，可带 :log 或 :int。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Write for instance --set fit.epochs=10.</source>
   <translation>请写成例如 --set fit.epochs=10。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Write for instance 300,1000,3000.</source>
   <translation>请写成例如 300,1000,3000。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Write for instance fit.epochs=10.</source>
   <translation>请写成例如 fit.epochs=10。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Write it again in smaller groups of rows.</source>
   <translation>请用更小的行组重新写入。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Write it as class=label.</source>
   <translation>请写成 类别=标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>Write more of the id.</source>
   <translation>请写出更多的标识字符。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Wrong answers, the worst first</source>
   <translation>错误答案，最严重的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a 7-Zip archive</source>
   <translation>7-Zip 压缩包</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>a CSV: file and label of each picture</source>
   <translation>CSV：每张图片的文件和标签</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a DDS texture</source>
   <translation>DDS 纹理</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a FITS file</source>
   <translation>FITS 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a GIMP document (XCF)</source>
   <translation>GIMP 文档 (XCF)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a JPEG 2000 picture</source>
   <translation>JPEG 2000 图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a JPEG XL picture</source>
   <translation>JPEG XL 图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a NIfTI volume</source>
   <translation>NIfTI 体数据</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a NumPy array</source>
   <translation>NumPy 数组</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a PDF document</source>
   <translation>PDF 文档</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a PNM picture</source>
   <translation>PNM 图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a Photoshop document (PSD)</source>
   <translation>Photoshop 文档 (PSD)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a PyTorch file, which is a pickle and can run code of its own when it is opened</source>
   <translation>PyTorch 文件，即 pickle，打开时可运行自带的代码</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a QOI picture</source>
   <translation>QOI 图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a RAR archive</source>
   <translation>RAR 压缩包</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a Radiance HDR picture</source>
   <translation>Radiance HDR 图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a TensorFlow graph, which is a program and cannot be checked layer by layer</source>
   <translation>TensorFlow 图，即程序，无法逐层检查</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a ZIP archive</source>
   <translation>ZIP 压缩包</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a camera raw file</source>
   <translation>相机原始 (RAW) 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a checkpoint, which holds weights without their network</source>
   <translation>检查点，只含权重而不含其网络</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>a class</source>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a cursor file</source>
   <translation>光标文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>a database of its own, shared by several computers</source>
   <translation>自己的数据库，由多台计算机共用</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>a file (.h5, .weights.h5)</source>
   <translation>文件（.h5、.weights.h5）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a file of weights without their network</source>
   <translation>不含其网络的权重文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a folder of class folders, an archive of one, an .npz, IDX files, CIFAR batches, or pictures with a table of their labels (see --layout); the name of a public set (mnist, cifar10-jpeg, chest-xray, cats-dogs, captcha-letters); or, with a plan for a public set, where the sets lie</source>
   <translation>含类别文件夹的文件夹、其压缩包、.npz、IDX 文件、CIFAR 批次文件，或带标签表格的图片（见 --layout）；公共数据集的名称（mnist、cifar10-jpeg、chest-xray、cats-dogs、captcha-letters）；或者，方案针对公共数据集时，数据集所在的位置</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>a folder of pictures and --model are needed, or --undo, or --log</source>
   <translation>需要图片文件夹和 --model，或 --undo，或 --log</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>a folder of your own for the run (default: the runs)</source>
   <translation>存放训练的你自己的文件夹（默认：训练记录中）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>a grid needs values, and {ranges} is a range</source>
   <translation>网格需要值，而 {ranges} 是范围</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a gzip archive</source>
   <translation>gzip 压缩包</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a head on what '{name}' sees in each picture (--preset, --architecture, --from, --size and --colour choose otherwise)</source>
   <translation>基于 '{name}' 在每张图片中所见内容的分类头（用 --preset、--architecture、--from、--size 和 --colour 可另选）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>a label is empty</source>
   <translation>有一个标签是空的</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>a layer cannot be called '{value}': the name is taken</source>
   <translation>层不能叫 '{value}'：名称已被占用</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>a layer of somebody's own, '{registered}'</source>
   <translation>他人自制的层 '{registered}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>a log of moved files is damaged</source>
   <translation>移动文件的日志已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a media file of another kind</source>
   <translation>其他类型的媒体文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>a mirror of the same file; its hash is compared all the same</source>
   <translation>同一文件的镜像；仍会比较其哈希值</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>a model needs a name</source>
   <translation>模型需要名称</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a named system; 'fovea train --list-presets' shows them</source>
   <translation>有名称的网络系统；'fovea train --list-presets' 显示它们</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>a network of its own, from random weights</source>
   <translation>自己的网络，从随机权重开始</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>a network that begins from a finished one computes in 32 bits, as that does</source>
   <translation>从已完成的网络开始的网络与其一样以 32 位计算</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>a new folder, or a file .csv or .json</source>
   <translation>新文件夹，或 .csv 或 .json 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/export_litert.py" />
   <source>a package</source>
   <translation>某个软件包</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>a page, as the list names it</source>
   <translation>页面，名称如列表所示</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a palette picture whose palette is missing</source>
   <translation>缺少调色板的调色板图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>a part of another picture, with its label's share</source>
   <translation>另一张图片的一部分，及其标签的份额</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>a pattern has 1 to {most} letters</source>
   <translation>模式有 1 至 {most} 个字符</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a pickle, which can run code of its own when it is opened</source>
   <translation>pickle，打开时可运行自带的代码</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>a picture in {form} decodes to another one</source>
   <translation>{form} 图片解码后成为另一张</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>a picture, a folder of pictures, or a DICOMDIR</source>
   <translation>图片、图片文件夹或 DICOMDIR</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>a picture; the model is the one that the settings name</source>
   <translation>图片；模型为设置中指定的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>a plan needs to be told its classes</source>
   <translation>方案需要知道其类别</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a predictor (number {predictor}) that does not go with its samples</source>
   <translation>与其采样不符的预测器（编号 {predictor}）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>a project</source>
   <translation>项目</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>a report to hand on: .html or .pdf</source>
   <translation>可转交的报告：.html 或 .pdf</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>a run that is taken up keeps its plan: --resume goes without {others}</source>
   <translation>继续的训练保留其方案：--resume 不与 {others} 同用</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>a second model on the same pictures, with McNemar's test</source>
   <translation>在相同图片上的第二个模型，附 McNemar 检验</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>a side of {side} pixels of the answer sets' pictures found; 0 or more expected</source>
   <translation>可能答案集合的图片边长为 {side} 像素；预期为 0 或更大</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a sound or video file</source>
   <translation>声音或视频文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>a table gives the pictures other classes than their folders do</source>
   <translation>某个表格给出的图片类别与其文件夹不同</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>a table of answers</source>
   <translation>答案表</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>a table of labels was found</source>
   <translation>找到了标签表格</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>a threshold goes with two labels, a positive class of 0 or 1 and a value between 0 and 1</source>
   <translation>阈值要求两个标签、为 0 或 1 的阳性类别，以及 0 与 1 之间的值</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>a threshold goes with two labels; this model has {count}</source>
   <translation>阈值要求两个标签；此模型有 {count} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>a threshold of {threshold}</source>
   <translation>阈值 {threshold}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a training plan (JSON)</source>
   <translation>训练方案 (JSON)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a transparency mask</source>
   <translation>透明度掩膜</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a web page</source>
   <translation>网页</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>a whole number</source>
   <translation>整数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>about {size} to download</source>
   <translation>约需下载 {size}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>accuracy of some nets against the number of pictures to learn from</source>
   <translation>若干网络的准确率与用于学习的图片数的关系</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>accuracy on test pictures, mean of {repeats} (least to most){of}</source>
   <translation>测试图片上的准确率，{repeats} 次的平均（最低到最高）{of}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>accuracy on the test split {accuracy}</source>
   <translation>测试集上的准确率 {accuracy}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>accuracy on validation pictures, mean of {repeats} (least to most){of}</source>
   <translation>验证图片上的准确率，{repeats} 次的平均（最低到最高）{of}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>after its conversion the network answers otherwise, by {largest_difference:.1e} in a score; {parity_limit:.0e} at most expected</source>
   <translation>转换后网络的回答不同，得分相差 {largest_difference:.1e}；预期最多 {parity_limit:.0e}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>all</source>
   <translation>全部</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>all figures, for programs ('-': stdout instead of the table)</source>
   <translation>所有指标，供程序使用（'-'：输出到 stdout 而不显示表格）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>all into one folder; with --name telling the answers</source>
   <translation>全部放入一个文件夹；用 --name 标明答案</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>all pictures belong together: none can check what was learned from the others</source>
   <translation>所有图片属于一体：没有一张能检查从其他图片学到的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>all {size}</source>
   <translation>均为 {size}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an EPS document</source>
   <translation>EPS 文档</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an EPS or PostScript document</source>
   <translation>EPS 或 PostScript 文档</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an HDF5 file</source>
   <translation>HDF5 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an NRRD volume</source>
   <translation>NRRD 体数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>an ONNX file, which Fovea writes but does not read</source>
   <translation>ONNX 文件，Fovea 能写出但不能读取</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an OpenEXR picture</source>
   <translation>OpenEXR 图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an SVG drawing</source>
   <translation>SVG 绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>an activation '{node}'</source>
   <translation>激活函数 '{node}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>an arrangement of samples that Fovea does not know</source>
   <translation>Fovea 不认识的采样排列</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>an array of '{title}' takes {size:.1f} GiB; at most {limit} are opened</source>
   <translation>'{title}' 的一个数组占 {size:.1f} GiB；最多打开 {limit}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>an evaluation</source>
   <translation>评估</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an icon file</source>
   <translation>图标文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>an object</source>
   <translation>一个对象</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>an object of the class {name}</source>
   <translation>一个 {name} 类的对象</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>an operation of the network has a place that does not exist</source>
   <translation>网络的某个运算指向不存在的位置</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>an unexpected fault stopped it ({name})</source>
   <translation>意外故障使其停止（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>an unexpected fault stopped the learning ({name})</source>
   <translation>意外故障使学习停止（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>an unexpected fault stopped the learning ({place})</source>
   <translation>意外故障使学习停止（{place}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>an unexpected fault stopped the search ({name})</source>
   <translation>意外故障使搜索停止（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>an unexpected fault stopped the training ({name})</source>
   <translation>意外故障使训练停止（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>an unexpected fault stopped this picture ({name})</source>
   <translation>意外故障使此图片中断（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>an unknown transfer syntax</source>
   <translation>未知的传输语法</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>and {count:,} more without an answer; --csv lists all</source>
   <translation>另有 {count:,} 张没有答案；--csv 列出全部</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>and {rest:,} more</source>
   <translation>以及另外 {rest:,} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>another Fovea has been preparing its models for minutes</source>
   <translation>另一个 Fovea 已在准备其模型数分钟</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>another Fovea is changing the models</source>
   <translation>另一个 Fovea 正在更改模型</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>another Fovea is moving files now</source>
   <translation>另一个 Fovea 正在移动文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>another goal</source>
   <translation>不同的目标</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>another net: a preset's, or layers (repeatable)</source>
   <translation>另一个网络：某个预设的，或各层（可重复）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>another plan: other classes, another network, or other settings beside those that are varied</source>
   <translation>不同的方案：类别、网络，或变动之外的其他设置不同</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>another window of Fovea is changing the projects</source>
   <translation>Fovea 的另一个窗口正在更改项目</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>answer</source>
   <translation>答案</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>answer {label} {score:.3f}</source>
   <translation>答案 {label} {score:.3f}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>any field of the plan: optimizer.rate=0.01 fit.patience=5 augment.affine.rotate=15 …</source>
   <translation>方案的任何字段：optimizer.rate=0.01 fit.patience=5 augment.affine.rotate=15 …</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder with one folder for each class</source>
   <translation>任何每个类别各有一个文件夹的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, a thousand pictures or more</source>
   <translation>任何文件夹，一千张或更多图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, many thousand pictures</source>
   <translation>任何文件夹，数千至数万张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, some hundred pictures</source>
   <translation>任何文件夹，几百张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/architectures.py" />
   <source>architecture '{name}': {error}</source>
   <translation>架构 '{name}'：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>architecture only</source>
   <translation>仅架构</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>architecture, 60 M parameters</source>
   <translation>架构，6000 万个参数</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>arithmetic-coded lossless JPEG</source>
   <translation>算术编码的无损 JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>as 'fovea teach list --deleted' shows it</source>
   <translation>如 'fovea teach list --deleted' 所示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>as JSON</source>
   <translation>以 JSON 形式</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>as many images</source>
   <translation>图片数量相同</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>as the file itself scales bytes</source>
   <translation>按文件自身对字节的缩放</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>as they are, 0 to 255</source>
   <translation>保持原样，0 至 255</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>at a threshold of {value:.4g}</source>
   <translation>在阈值 {value:.4g} 下</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>at least one training of each is needed</source>
   <translation>每个至少需要一次训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>at most {most_parameters} million are imported</source>
   <translation>最多导入 {most_parameters} 百万</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>at the end measure the best trial on the test split</source>
   <translation>最后在测试集上测量最佳试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>at_least goes with the decision 'sensitivity', and with no other</source>
   <translation>at_least 只与判定 'sensitivity' 一起使用</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>at_least {at_least} found; expected a fraction between 0 and 1</source>
   <translation>at_least 为 {at_least}；预期为 0 与 1 之间的分数</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>augment: {text} found, 'none' expected</source>
   <translation>augment：为 {text}，预期为 'none'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/augment.py" />
   <source>augmentation 'european' found pictures of {shape}; 28×28×1 expected</source>
   <translation>数据增强 'european' 得到形状为 {shape} 的图片；预期为 28×28×1</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>augmentation '{name}' has no setting {unknown}</source>
   <translation>数据增强 '{name}' 没有设置 {unknown}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>augmentation '{name}': {key} is {value}; expected {wanted}</source>
   <translation>数据增强 '{name}'：{key} 为 {value}；预期为 {wanted}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>back  {new}  -&gt;  {old}</source>
   <translation>撤回  {new}  -&gt;  {old}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>begin with a model of the store</source>
   <translation>从模型库中的某个模型开始</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>bend smoothly</source>
   <translation>平滑弯曲</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>best</source>
   <translation>最佳</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>best {goal} of {count} trials {value}{n}: {chosen}</source>
   <translation>{count} 次试验中最佳的 {goal} {value}{n}：{chosen}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>blended with another picture and its label</source>
   <translation>与另一张图片及其标签混合</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>blue before green before red, ImageNet's means subtracted (Caffe's habit)</source>
   <translation>蓝在绿前，绿在红前，减去 ImageNet 均值（Caffe 的惯例）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>brightness and contrast</source>
   <translation>亮度和对比度</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>bring in a network (.keras, .h5, .tflite) or a model of another Fovea (.zip)</source>
   <translation>导入网络（.keras、.h5、.tflite）或另一个 Fovea 的模型（.zip）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>bring the pictures to N×N pixels</source>
   <translation>将图片调整为 N×N 像素</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>building the network</source>
   <translation>正在构建网络</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>burnt-in markers</source>
   <translation>烧录的标记</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by DICOM's patient number the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation>按 DICOM 的患者编号，图片属于 {people:,} 个人或病例，其中 {several:,} 个有多张图片：按人划分验证集</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>by the highest score</source>
   <translation>按最高得分</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by the names of files and folders and DICOM's patient numbers the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation>按文件名、文件夹名和 DICOM 的患者编号，图片属于 {people:,} 个人或病例，其中 {several:,} 个有多张图片：按人划分验证集</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by the names of files and folders the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation>按文件名和文件夹名，图片属于 {people:,} 个人或病例，其中 {several:,} 个有多张图片：按人划分验证集</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>by the pattern '{pattern}' all pictures would have one name</source>
   <translation>按模式 '{pattern}'，所有图片会得到同一名称</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>calibrating</source>
   <translation>正在校准</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>call a model something else</source>
   <translation>给模型改名</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>called '{scores}'</source>
   <translation>称为 '{scores}'</translation>
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
   <translation>cam       网络自身的最后特征图，立即得出：用于以池化加一个全连接层结束的网络
grad-cam  梯度，用于每个有空间特征图的网络；会加载 TensorFlow，需要几秒
occlusion 逐一遮盖各部分，查看得分如何下降：较慢，但不依赖网络的工作方式
明亮处支持该类别。网络输入之外的部分变暗。对于数字，热力图画在
预处理后的输入上，因为笔迹经过移动和缩放。热力图显示网络看了哪里，而不是它正确。

退出状态：0 图片已写入（用 --json 则输出描述）；1 无法生成；2 用法错误。
</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/worker.py" />
   <source>cancelled</source>
   <translation>已取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>cancelled; no model was made</source>
   <translation>已取消；没有制作模型</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>cancelled; what was fetched is kept for the next try</source>
   <translation>已取消；已下载的内容保留到下次尝试</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>cannot be read</source>
   <translation>无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>card.{name}: {count:,} sentences found, at most {most_items} expected</source>
   <translation>card.{name}：有 {count:,} 句，预期最多 {most_items}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>center_crop: the shorter side is scaled to N</source>
   <translation>center_crop：短边缩放到 N</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>channels of different depths</source>
   <translation>深度不同的通道</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>check this installation: models, engine, window</source>
   <translation>检查此安装：模型、引擎、窗口</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>checkpoint version {meta}, {version} expected</source>
   <translation>检查点版本为 {meta}，预期为 {version}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>chest X-rays</source>
   <translation>胸部 X 线片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>class '{large}' has {ratio:.3g} times as many pictures as '{small}'</source>
   <translation>类别 '{large}' 的图片数是 '{small}' 的 {ratio:.3g} 倍</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{name}' was left out, as asked</source>
   <translation>类别 '{name}' 已按要求略去</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{name}' was taken for the label '{labels}': they differ in case only</source>
   <translation>类别 '{name}' 被视为标签 '{labels}'：它们仅大小写不同</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{pair}' is mapped twice</source>
   <translation>类别 '{pair}' 被对应了两次</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>class A of the data is label B; empty B: leave A out</source>
   <translation>数据的类别 A 是标签 B；B 留空：略去 A</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>class activation map</source>
   <translation>类激活图</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>class folders, an archive, .npz …</source>
   <translation>类别文件夹、压缩包、.npz …</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>class weights and over- or under-sampling both balance the classes: choose one of them</source>
   <translation>类别权重和过采样或欠采样都用于平衡类别：请选择其一</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>classes called 0, 1, 2 … are the model's own label numbers</source>
   <translation>名为 0、1、2 … 的类别就是模型自己的标签编号</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>classes in column '{name}': {value}</source>
   <translation>类别在列 '{name}' 中：{value}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>classify a few samples with every model, with pictures of the window</source>
   <translation>用每个模型对几个示例分类，并附窗口图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>classify pictures: files and whole folders</source>
   <translation>对图片分类：文件和整个文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>classify: show where the network looked</source>
   <translation>classify：显示网络看了哪里</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>clip_norm {clip_norm} found; expected a number above 0, or none</source>
   <translation>clip_norm 为 {clip_norm}；预期为大于 0 的数字，或无</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>colour model number {photometric}</source>
   <translation>编号 {photometric} 的颜色模型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>compare every file with its checksum</source>
   <translation>将每个文件与其校验和比较</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing checksums</source>
   <translation>正在比较校验和</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>comparing pictures</source>
   <translation>正在比较图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing the file's hash</source>
   <translation>正在比较文件的哈希值</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing the two forms</source>
   <translation>正在比较两种形式</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>components whose licence texts are to be shown</source>
   <translation>要显示许可证文本的组件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>compression number {compression}</source>
   <translation>编号 {compression} 的压缩方式</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>computing features</source>
   <translation>正在计算特征</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>computing in 32 bits: 16 would not be faster on this device</source>
   <translation>以 32 位计算：在此设备上 16 位不会更快</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>computing in {precision}</source>
   <translation>以 {precision} 计算</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>confirm how the labels are read where class folders do not tell them: 'table' (a CSV names the pictures) or 'names' (the file names carry them), as they were recognised, or in full as Fovea proposes it: table:FILE:NAMES:LABELS, names:{label}_#; 'folders': each folder is a class, whatever it is called</source>
   <translation>类别文件夹没有说明标签时，确认标签的读取方式：'table'（CSV 列出图片）或 'names'（文件名带有标签），按识别的结果，或按 Fovea 的提议写全：table:FILE:NAMES:LABELS、names:{label}_#；'folders'：不论名称如何，每个文件夹都是一个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>converted to sRGB by its gamma value</source>
   <translation>已按其伽马值转换为 sRGB</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>converted to sRGB from Lab</source>
   <translation>已从 Lab 转换为 sRGB</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>converted to sRGB from its colour profile</source>
   <translation>已按颜色配置文件转换为 sRGB</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>converting it</source>
   <translation>正在转换</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>converting it to LiteRT</source>
   <translation>正在转换为 LiteRT</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>copied</source>
   <extracomment>What could not be done with a project, in a sentence: '… could not be copied: …'.</extracomment>
   <translation>复制</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>copied by answer</source>
   <translation>已按答案复制</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>copied into one folder</source>
   <translation>已复制到一个文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>copy</source>
   <translation>复制</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>copy a model into your own</source>
   <translation>将模型复制为你自己的</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>copy or move pictures into folders by answer, or rename them; with undo</source>
   <translation>按答案将图片复制或移动到文件夹，或重命名；可撤销</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>copy the samples that come with Fovea into a folder</source>
   <translation>将 Fovea 附带的示例复制到文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>copying</source>
   <translation>正在复制</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>cover a part</source>
   <translation>遮盖一部分</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/solved.py" />
   <source>cross-validated in {found} parts: each of the {count:,} pictures is checked once by a head that did not learn from it, and the model learns from all of them</source>
   <translation>以 {found} 份交叉验证：{count:,} 张图片各由未学习过它的分类头检查一次，模型则从全部图片学习</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>curves only (Kermany et al.: 92.8 % accuracy, AUC .968)</source>
   <translation>仅曲线（Kermany 等人：准确率 92.8 %，AUC .968）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>cycles repeat a 'triangle' or a 'cosine', not the schedule '{schedule}'</source>
   <translation>cycles 重复的是 'triangle' 或 'cosine'，而不是调度 '{schedule}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>damaged</source>
   <translation>已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>dark ink on light paper was inverted</source>
   <translation>浅色纸上的深色笔迹已反相</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>data compressed as {name}</source>
   <translation>以 {name} 压缩的数据</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>data of an unknown kind</source>
   <translation>未知类型的数据</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>decision rule {rule} is unknown</source>
   <translation>未知的判定规则 {rule}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>declares a size of {width}×{height} pixels; expected at least 1×1</source>
   <translation>声明的大小为 {width}×{height} 像素；预期至少 1×1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>declares {samples} samples a pixel</source>
   <translation>声明每像素 {samples} 个采样</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>decoded at {width}×{height}</source>
   <translation>以 {width}×{height} 解码</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>default: ./out</source>
   <translation>默认：./out</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>default: bilinear</source>
   <translation>默认：bilinear</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>default: light</source>
   <translation>默认：light</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>digits as Europeans write them</source>
   <translation>欧洲人书写的数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>divided by 255, 0 to 1</source>
   <translation>除以 255，0 至 1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>does not begin like one</source>
   <translation>开头不符</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>does not match its checksum</source>
   <translation>与其校验和不符</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>does not say where its picture lies</source>
   <translation>没有说明其图片的位置</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>done</source>
   <translation>已完成</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>draw the window into a PNG file, without a display</source>
   <translation>无需显示器，将窗口绘制成 PNG 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>draw where in a picture a model found its answer</source>
   <translation>绘出模型在图片的何处找到答案</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>draw: the drawing, as Export saves it</source>
   <translation>draw：绘图，由“导出”保存</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>drawn offscreen at {width}×{height}</source>
   <translation>已离屏绘制，{width}×{height}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>either --into FOLDER or --rename PATTERN is needed</source>
   <translation>需要 --into FOLDER 或 --rename PATTERN</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>either pictures or --camera are needed</source>
   <translation>需要图片或 --camera</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>end no trial early</source>
   <translation>不提前结束任何试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>ended early: others do better</source>
   <translation>提前结束：其他试验更好</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>ends before its directory does</source>
   <translation>在目录结束之前中断</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>enlarged from {width}×{height}</source>
   <translation>从 {width}×{height} 放大</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epoch {epoch}  batch {step}/{steps}  loss {loss:.4f}  accuracy {accuracy:.4f}  {images_per_s:,.0f} pictures/s</source>
   <translation>第 {epoch} 轮  批次 {step}/{steps}  损失 {loss:.4f}  准确率 {accuracy:.4f}  {images_per_s:,.0f} 张/秒</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epoch {epoch}/{epochs}  loss {loss:.4f}  accuracy {accuracy:.4f}  validation loss {val_loss:.4f}  accuracy {val_accuracy:.4f}  {seconds:.0f} s{marks}</source>
   <translation>第 {epoch}/{epochs} 轮  损失 {loss:.4f}  准确率 {accuracy:.4f}  验证损失 {val_loss:.4f}  准确率 {val_accuracy:.4f}  {seconds:.0f} 秒{marks}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epochs {epoch} to {epochs}</source>
   <translation>第 {epoch} 至 {epochs} 轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>epochs, batch and steps_per_execution must be at least 1</source>
   <translation>epochs、batch 和 steps_per_execution 必须至少为 1</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate, train, models: which part of the view</source>
   <translation>evaluate、train、models：视图的哪一部分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate, wizard: labelled data (default: none yet)</source>
   <translation>evaluate、wizard：带标签的数据（默认：尚无）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate: which of the data's splits</source>
   <translation>evaluate：数据的哪个数据划分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>evaluating</source>
   <translation>正在评估</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>evaluating ended with {status}: {which}</source>
   <translation>评估以 {status} 结束：{which}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>events as JSON lines</source>
   <translation>以 JSON 行给出事件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>every class was left out</source>
   <translation>所有类别都被略去</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>every combination of the values</source>
   <translation>值的每种组合</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>every component of this program with its licence</source>
   <translation>本程序的每个组件及其许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>every deviation must be above 0</source>
   <translation>每个标准差必须大于 0</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>every measurement as a table</source>
   <translation>每次测量的表格</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>every model, with its state</source>
   <translation>每个模型及其状态</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>every run, the newest first</source>
   <translation>每项训练，最新的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>every test letter right</source>
   <translation>每个测试字母都正确</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>everything holds</source>
   <translation>一切正常</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>exit status {code}</source>
   <translation>退出状态 {code}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>exit status {exitcode}</source>
   <translation>退出状态 {exitcode}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>exit status: 0 all well; 1 a run is not there, in use or damaged; 2 wrong usage</source>
   <translation>退出状态：0 一切正常；1 训练不存在、正在使用或已损坏；2 用法错误</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>exit status: 0 the picture was written (its path is printed); 1 it could not be drawn; 2 wrong usage.
</source>
   <translation>退出状态：0 图片已写入（输出其路径）；1 无法绘制；2 用法错误。
</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected 'x_train y_train x_test y_test', 'train_images train_labels …', 'x y' or 'images labels'</source>
   <translation>预期为 'x_train y_train x_test y_test'、'train_images train_labels …'、'x y' 或 'images labels'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected uint8 of (n, height, width), (n, height, width, 1) or (n, height, width, 3)</source>
   <translation>预期为 (n, height, width)、(n, height, width, 1) 或 (n, height, width, 3) 的 uint8</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected {count} whole numbers</source>
   <translation>预期为 {count} 个整数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>exporting</source>
   <translation>正在导出</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>features</source>
   <translation>特征</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>few pictures to learn from: {few}</source>
   <translation>可用于学习的图片太少：{few}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>figures of several runs, and where their plans differ</source>
   <translation>多项训练的指标，以及其方案的差异</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>file name {name} is not allowed</source>
   <translation>不允许的文件名 {name}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>files, folders, archives</source>
   <translation>文件、文件夹、压缩包</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>fine-tune its last layers</source>
   <translation>微调其最后几层</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>fine-tuning needs at least one layer to unfreeze</source>
   <translation>微调需要至少解冻一层</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>fine-tuning: the last {free} layers learn now too</source>
   <translation>微调：现在最后 {free} 层也在学习</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fingerprint {fingerprint}
</source>
   <translation>指纹 {fingerprint}
</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folder '{name}' cannot be read</source>
   <translation>文件夹 '{name}' 无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>folder or file</source>
   <translation>文件夹或文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folders called like splits of the data ({which}) lie where classes were expected: inside them there has to be a folder for each class; if they are classes, confirm it with the layout 'folders'</source>
   <translation>名称像数据划分的文件夹（{which}）位于预期为类别之处：其中必须每个类别各有一个文件夹；如果它们就是类别，请用布局 'folders' 确认</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folders whose names are written in two ways (accents) are one class: {told}</source>
   <translation>名称以两种方式书写（重音符号）的文件夹视为一个类别：{told}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>folds {folds} found; expected 0, or 2 or more with a head that is solved</source>
   <translation>folds 为 {folds}；预期为 0，或在求解分类头时为 2 或更大</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>for a network that takes any size</source>
   <translation>用于接收任意大小的网络</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>for everybody who uses this Python environment (as make does)</source>
   <translation>用于使用此 Python 环境的所有人（与 make 的做法相同）</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>format of {a}</source>
   <translation>{a}的格式</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>found an array of {dtype} with shape {shape}; expected uint8 of (H, W) or (H, W, 3)</source>
   <translation>得到形状为 {shape} 的 {dtype} 数组；预期为 (H, W) 或 (H, W, 3) 的 uint8</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: left out DICOM objects that hold no picture, as reports do: {count:,}</source>
   <translation>fovea：略去了不含图片（例如报告）的 DICOM 对象：{count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: making {names} once, from what was installed; this takes up to a minute</source>
   <translation>fovea：正在用已安装的内容制作 {names}，仅此一次；最多需要一分钟</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: no pictures found; expected {expected}, by suffix or by content</source>
   <translation>fovea：没有找到图片；按扩展名或内容，预期为 {expected}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>fovea: stopped</source>
   <translation>fovea：已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>fovea: the engine ended ({reason})</source>
   <translation>fovea：引擎已结束（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict_camera.py" />
   <source>fovea: the video breaks off before its end</source>
   <translation>fovea：视频在结尾前中断</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>fovea: there are no models; install Fovea again, or import one</source>
   <translation>fovea：没有模型；请重新安装 Fovea，或导入一个</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {get} …</source>
   <translation>fovea：{get} …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: {hint}</source>
   <translation>fovea：{hint}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>fovea: {id}: {problem}</source>
   <translation>fovea：{id}：{problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fovea: {message}</source>
   <translation>fovea：{message}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>fovea: {message}: training a network from nothing instead ({hint})</source>
   <translation>fovea：{message}：改为从零训练网络（{hint}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {name}: from the package {distribution}, offline</source>
   <translation>fovea：{name}：来自软件包 {distribution}，离线</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {name}: {about}{size:,} bytes from {value}; licence: {licence}</source>
   <translation>fovea：{name}：{about}{size:,} 字节，来自 {value}；许可证：{licence}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fovea: {text}</source>
   <translation>fovea：{text}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>frame {at:,} of {total:,}</source>
   <translation>第 {at:,} 帧，共 {total:,} 帧</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>frame {frame} of {frames}</source>
   <translation>第 {frame} 帧，共 {frames} 帧</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>frames of one video or shots of one burst on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: frames of one video or shots of one burst on both sides of a split: once</extracomment>
   <translation>
    <numerusform>同一视频的帧或同一次连拍的照片分在数据划分的两侧：{count:,} 次</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>frames of one video or shots of one burst: {many:,} pictures in {count:,} groups</source>
   <translation>同一视频的帧或同一次连拍的照片：{many:,} 张图片，分 {count:,} 组</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>from {low:g} to {high:g}</source>
   <translation>从 {low:g} 至 {high:g}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>frozen</source>
   <extracomment>The program as a package of its own, without a Python of the system (PyInstaller).</extracomment>
   <translation>打包版</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>full</source>
   <extracomment>The edition of the program that trains, too.</extracomment>
   <translation>完整版</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>give either --grid or --trials N</source>
   <translation>请给出 --grid 或 --trials N</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>give the search a --name</source>
   <translation>请用 --name 给搜索命名</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>give up after (default: 120)</source>
   <translation>在此之后放弃（默认：120）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>given by the user{own}</source>
   <translation>由用户给出{own}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>go on training every layer</source>
   <translation>继续训练每一层</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>grey pictures ({grey:,}) and colour pictures ({colour:,}) are mixed</source>
   <translation>灰度图片（{grey:,}）与彩色图片（{colour:,}）混在一起</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>grey repeated in three channels</source>
   <translation>灰度重复为三个通道</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>hard links instead of copies</source>
   <translation>硬链接而非副本</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>has a directory without entries</source>
   <translation>的目录没有条目</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>has no directory where one must be</source>
   <translation>在必须有目录之处没有目录</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>hierarchical JPEG</source>
   <translation>分层 JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>hierarchical lossless JPEG</source>
   <translation>分层无损 JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>hold back some pictures to compare with this older model</source>
   <translation>留出一些图片，用于与这个旧模型比较</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>how (default: cam where its map is fine enough, else occlusion)</source>
   <translation>方法（默认：其图足够细时为 cam，否则为 occlusion）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>how a picture gets its size</source>
   <translation>图片如何调整大小</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>how long until the window is there, and until it answers</source>
   <translation>窗口出现需要多久，给出答案需要多久</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>how many classes to list (default: 1, with --json {json_top})</source>
   <translation>列出多少个类别（默认：1，带 --json 时为 {json_top}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>how much prepared pictures take on disk; remove them</source>
   <translation>预处理的图片占用多少磁盘；移除它们</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>how often the list of possible answers may leave out the right one, one of {rate_words} (default: {default_rate:g})</source>
   <translation>可能答案的列表可以遗漏正确答案的频率，为 {rate_words} 之一（默认：{default_rate:g}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>how pixels were scaled when it was trained</source>
   <translation>训练时像素如何缩放</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>id or name of a project, or a folder of pictures</source>
   <translation>项目的标识或名称，或图片文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>id {id} found; expected lower-case letters, digits and hyphens</source>
   <translation>标识为 {id}；预期为小写字母、数字和连字符</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>images answered, the surest first (%)</source>
   <translation>已回答的图片，最确定的在前 (%)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>in the package {distribution} {version}</source>
   <translation>在软件包 {distribution} {version} 中</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures and column '{label}' gives their classes</source>
   <translation>在 {which} 中，列 '{name}' 给出图片名称，列 '{label}' 给出其类别</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures and one column for each class their classes</source>
   <translation>在 {which} 中，列 '{name}' 给出图片名称，每个类别各有一列给出其类别</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures, column '{label}' gives their classes and column '{split}' their splits</source>
   <translation>在 {which} 中，列 '{name}' 给出图片名称，列 '{label}' 给出其类别，列 '{split}' 给出其数据划分</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures, one column for each class their classes and column '{split}' their splits</source>
   <translation>在 {which} 中，列 '{name}' 给出图片名称，每个类别各有一列给出其类别，列 '{split}' 给出其数据划分</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>inks other than cyan, magenta, yellow and black, or inks that are no whole numbers</source>
   <translation>青、品红、黄、黑以外的油墨，或不是整数的油墨值</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>input/output error</source>
   <translation>输入/输出错误</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>install the weights of a network of the catalogue</source>
   <translation>安装目录中某个网络的权重</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>installing {name} for a while</source>
   <translation>暂时安装 {name}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>instead of files: a camera's number, a video file or an address; ends with the video or by Ctrl-C</source>
   <translation>代替文件：摄像头编号、视频文件或地址；随视频结束或由 Ctrl-C 结束</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>is damaged or cut off</source>
   <translation>已损坏或不完整</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>is locked by a password</source>
   <translation>受密码保护</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>is missing</source>
   <translation>缺失</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>is of {found}×{found2} pixels, {found3} samples</source>
   <translation>为 {found}×{found2} 像素、{found3} 个采样</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it asks for more than the {memory:.1f} GiB of memory that it may use</source>
   <translation>它要求的内存超过允许的 {memory:.1f} GiB</translation>
  </message>
  <message>
   <location filename="../../desktop/services/first_models.py" />
   <source>it could not be made ({name})</source>
   <translation>无法制作（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>it could not be started: {value}</source>
   <translation>无法启动：{value}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>it could not be taken from its old place ({reason})</source>
   <translation>无法从原处取走（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>it decodes to a blank picture</source>
   <translation>它解码为空白图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>it failed ({filter})</source>
   <translation>失败（{filter}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>it failed ({name})</source>
   <translation>失败（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it has no answer: it could not be read</source>
   <translation>它没有答案：无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it has no file of its own to rename</source>
   <translation>它没有可重命名的独立文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>it has no stored answers to compare with</source>
   <translation>它没有可供比较的已存答案</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>it has no weights</source>
   <translation>它没有权重</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it has not been classified</source>
   <translation>它还没有分类</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is a link or no plain file</source>
   <translation>它是链接或不是普通文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>it is about medical pictures: its card says so</source>
   <translation>它涉及医学图片：其卡片会说明</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is listed twice</source>
   <translation>它被列出两次</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is nested more than {most} deep</source>
   <translation>嵌套超过 {most} 层</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>it is no number</source>
   <translation>不是数字</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is not UTF-8 text</source>
   <translation>不是 UTF-8 文本</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is not the kind of picture that the model learned from</source>
   <translation>它不是模型学习过的那类图片</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is not valid JSON{where}</source>
   <translation>不是有效的 JSON{where}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is there already, under that name</source>
   <translation>它已在那里，名称相同</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it needs more memory than it may use ({name})</source>
   <translation>它需要的内存超过允许的量（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>it stopped answering</source>
   <translation>它停止了响应</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>it takes {kinds} and gives {kinds2}; FLOAT32 or bytes expected</source>
   <translation>它接收 {kinds}，给出 {kinds2}；预期为 FLOAT32 或字节</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it took longer than {seconds:.0f} seconds</source>
   <translation>它耗时超过 {seconds:.0f} 秒</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>it was cut off: its process is gone</source>
   <translation>它被中断：其进程已不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its Keras network takes {shapes}, or does not give {outputs} scores</source>
   <translation>其 Keras 网络接收 {shapes}，或没有给出 {outputs} 个得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its answers differ by {worst:.2g} from those of its own self-test</source>
   <translation>其答案与自身自检的答案相差 {worst:.2g}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its answers differ by {worst:.2g}, at most {tolerance:.2g} expected</source>
   <translation>其答案相差 {worst:.2g}，预期最多 {tolerance:.2g}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>its classes in the order of its outputs; 'imagenet'</source>
   <translation>其类别，按输出顺序；'imagenet'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>its colour profile is unusable, taken as sRGB</source>
   <translation>颜色配置文件不可用，视为 sRGB</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>its description of the era of Keras 2 cannot be built: {plain}</source>
   <translation>其 Keras 2 时代的描述无法构建：{plain}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its domain gate is for colour pictures; its network takes grey ones</source>
   <translation>其图片类型检查用于彩色图片；其网络接收灰度图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its domain gate takes {count} features; its network gives {size}</source>
   <translation>其图片类型检查需要 {count} 个特征；其网络给出 {size} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>its folder is called '{model_id}', its manifest '{id}'</source>
   <translation>其文件夹名为 '{model_id}'，其清单为 '{id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>its id (default: list what is in the trash)</source>
   <translation>其标识（默认：列出回收站的内容）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its input has no fixed size</source>
   <translation>其输入没有固定大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its input is {shape}; (batch, height, width, 1 or 3) expected: channels come last</source>
   <translation>其输入为 {shape}；预期为 (batch, height, width, 1 or 3)：通道在最后</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its input is {shape}; [batch, height, width, 1 or 3] expected</source>
   <translation>其输入为 {shape}；预期为 [batch, height, width, 1 or 3]</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network does not give {outputs} scores, one a label</source>
   <translation>其网络没有给出 {outputs} 个得分，每个标签一个</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network has {count} outputs, its description names others</source>
   <translation>其网络有 {count} 个输出，其描述列出的是其他的</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network takes {tuple}, its description differs</source>
   <translation>其网络接收 {tuple}，其描述不同</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its output is {out}; (batch, classes) expected</source>
   <translation>其输出为 {out}；预期为 (batch, classes)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its output is {out}; [batch, classes] expected</source>
   <translation>其输出为 {out}；预期为 [batch, classes]</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its outputs are no probabilities: from {min:.3g} to {max:.3g}, sums from {min2:.3g} to {max2:.3g}</source>
   <translation>其输出不是概率：从 {min:.3g} 到 {max:.3g}，总和从 {min2:.3g} 到 {max2:.3g}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>its outputs were said to be raw values (logits), but its last layer is a {last}</source>
   <translation>其输出被说成是原始值 (logits)，但其最后一层是 {last}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>its pictures have {width:.0f}×{height:.0f} pixels; expected at most {most} million</source>
   <translation>其画面为 {width:.0f}×{height:.0f} 像素；预期最多 {most} 百万</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>its process ended with status {value}</source>
   <translation>其进程以状态 {value} 结束</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>its process ended: {last}</source>
   <translation>其进程已结束：{last}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>its run is not on this computer: no model can be made of it here</source>
   <translation>其训练不在这台计算机上：无法在此制作模型</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>its score is below {least:g}</source>
   <translation>其得分低于 {least:g}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its self-test cannot be read</source>
   <translation>其自检无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its stored answers cannot be read</source>
   <translation>其已存答案无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>its tensors would take far more memory than the file itself</source>
   <translation>其张量占用的内存远多于文件本身</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its weights are not installed</source>
   <translation>其权重未安装</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>its {goal} is no number</source>
   <translation>其 {goal} 不是数字</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>keep exact copies together, do not look for near ones</source>
   <translation>将完全相同的副本放在一起，不查找近似副本</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>keep the weights in 16 bits: half the size, scores differ by up to 0.01</source>
   <translation>权重保持 16 位：大小减半，得分相差最多 0.01</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>keeping the features of {count} pictures</source>
   <translation>保留 {count} 张图片的特征</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>keeping the prepared pictures</source>
   <translation>保留预处理后的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>label pictures, with suggestions from what was labelled; make it a model</source>
   <translation>标注图片，并由已标注的得到建议；做成模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>label_smoothing and ema must be at least 0 and below 1</source>
   <translation>label_smoothing 和 ema 必须不小于 0 且小于 1</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>labelled pictures: class folders, .npz, IDX or CIFAR batches</source>
   <translation>带标签的图片：类别文件夹、.npz、IDX 或 CIFAR 批次文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>labels of a labelling project</source>
   <translation>标注项目的标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>largest difference between the trained model and its exported form over {n} validation pictures: {gap:.1e}</source>
   <translation>在 {n} 张验证图片上，训练的模型与其导出形式的最大差异：{gap:.1e}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>learn a head from its features</source>
   <translation>从其特征学习分类头</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>leave a check out, for example 'training'</source>
   <translation>略去一项检查，例如 'training'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>leave a picture whose name is taken</source>
   <translation>名称已被占用时不动该图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>leave answers with a lower score</source>
   <translation>不处理得分较低的答案</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>left</source>
   <translation>未处理</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>left  {count:,}: {why}</source>
   <translation>未处理  {count:,}：{why}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>left  {name}: {why}</source>
   <translation>未处理  {name}：{why}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>left out</source>
   <translation>已略去</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>letters drawn by the program</source>
   <translation>由程序绘制的字母</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>limit {limit} found; expected a number of images, or 0 for all</source>
   <translation>limit 为 {limit}；预期为图片数量，或 0 表示全部</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>limit {limit} found; expected at least one image of each of the {count} classes</source>
   <translation>limit 为 {limit}；预期 {count} 个类别各至少一张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/linear_heads.py" />
   <source>linear discriminant analysis (shrinkage {value:g})</source>
   <translation>线性判别分析（收缩 {value:g}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>links back to the data itself, not read: {loops}</source>
   <translation>指回数据自身的链接，未读取：{loops}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>links to folders of other classes in {names}: {number:,} pictures there were left out</source>
   <translation>{names} 中有指向其他类别文件夹的链接：略去了那里的 {number:,} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>list the commands, or what one of them did</source>
   <translation>列出各命令，或其中一条所做的操作</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>list the parts that hold all words</source>
   <translation>列出含有所有词语的部分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>list, show, compare and delete trainings</source>
   <translation>列出、显示、比较和删除训练</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>list, verify, install, import, export, rename, delete models</source>
   <translation>列出、校验、安装、导入、导出、重命名、删除模型</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>logarithmic colour</source>
   <translation>对数颜色</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>logarithmic grey</source>
   <translation>对数灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>look at the pictures in colour or in grey</source>
   <translation>以彩色或灰度查看图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>look for exact copies only, not for near ones</source>
   <translation>只查找完全相同的副本，不查找近似副本</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>look through a folder of labelled pictures</source>
   <translation>检查带标签的图片文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>looking at the pictures</source>
   <translation>正在查看图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>looking for people</source>
   <translation>正在查找人</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>looking through the file</source>
   <translation>正在检查文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>looking through the pictures, {stage}: {done:,}</source>
   <translation>正在检查图片，{stage}：{done:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>looking: {done:,} files …</source>
   <translation>正在查找：{done:,} 个文件 …</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>lossless JPEG</source>
   <translation>无损 JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>made for</source>
   <translation>用于</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>made grey</source>
   <translation>转为灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>make the models whose weights came with the installation; quick where they are there</source>
   <translation>制作权重随安装提供的模型；已有时很快</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>marks far from the largest stroke, or much fainter, were left out</source>
   <translation>远离最大笔画或淡得多的痕迹已略去</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>measure a model on a folder of labelled pictures</source>
   <translation>在带标签的图片文件夹上测量模型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>measure on the data's test split instead of on validation</source>
   <translation>在数据的测试集而非验证集上测量</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>members of the archive share their bytes, or lie outside of it</source>
   <translation>压缩包的成员共用字节，或位于其外</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>method only</source>
   <translation>仅方法</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>metric {name} is not a number</source>
   <translation>指标 {name} 不是数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>mirror left and right</source>
   <translation>左右镜像</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>mirror top and bottom</source>
   <translation>上下镜像</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' cannot be loaded by LiteRT</source>
   <translation>LiteRT 无法载入模型 '{id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' gives {found}; expected {count} scores, one a label</source>
   <translation>模型 '{id}' 给出 {found}；预期为 {count} 个得分，每个标签一个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model '{id}' has no file '{name}'</source>
   <translation>模型 '{id}' 没有文件 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' has no output {place} for '{name}'</source>
   <translation>模型 '{id}' 没有用于 '{name}' 的输出 {place}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{id}' is damaged: '{name}' does not match its checksum</source>
   <translation>模型 '{id}' 已损坏：'{name}' 与其校验和不符</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{id}' is damaged: '{name}' is missing</source>
   <translation>模型 '{id}' 已损坏：缺少 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model '{id}' is damaged: '{name}' {word}</source>
   <translation>模型 '{id}' 已损坏：'{name}' {word}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>model '{id}' is damaged: {problem}</source>
   <translation>模型 '{id}' 已损坏：{problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is in the store: {count} classes</source>
   <translation>模型 '{id}' 已在模型库中：{count} 个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is installed; Keras and LiteRT differ by {largest_difference:.1e} at most</source>
   <translation>模型 '{id}' 已安装；Keras 与 LiteRT 最多相差 {largest_difference:.1e}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is ready</source>
   <translation>模型 '{id}' 已就绪</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' cannot be copied: {value}</source>
   <translation>模型 '{model_id}' 无法复制：{value}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' comes with Fovea and is not changed</source>
   <translation>模型 '{model_id}' 随 Fovea 提供，不作更改</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' is damaged: {problem}</source>
   <translation>模型 '{model_id}' 已损坏：{problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' is not in the trash any more</source>
   <translation>模型 '{model_id}' 已不在回收站中</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model.json cannot be read</source>
   <translation>model.json 无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json has schema {get}; this Fovea reads {schema_version}</source>
   <translation>model.json 的模式为 {get}；此 Fovea 读取 {schema_version}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model.json is missing</source>
   <translation>缺少 model.json</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'files' is not an object</source>
   <translation>model.json：'files' 不是对象</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'medical' is neither true nor false</source>
   <translation>model.json：'medical' 既非 true 也非 false</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'outputs' is not an object of numbers</source>
   <translation>model.json：'outputs' 不是由数字组成的对象</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' holds something that is no text</source>
   <translation>model.json：'{name}' 含有非文本内容</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' is not a list</source>
   <translation>model.json：'{name}' 不是列表</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' is not of type {name2}</source>
   <translation>model.json：'{name}' 的类型不是 {name2}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: fields unknown: {added} (in schema 1)</source>
   <translation>model.json：未知字段：{added}（模式 1）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: {error}</source>
   <translation>model.json：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: {problem}</source>
   <translation>model.json：{problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>momentum must be at least 0 and below 1, and weight_decay at least 0</source>
   <translation>momentum 必须不小于 0 且小于 1，weight_decay 不小于 0</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>move</source>
   <translation>移动</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>move a model into the trash; it is kept there for 30 days</source>
   <translation>将模型移到回收站；在那里保留 30 天</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>move runs into the trash, where they stay thirty days</source>
   <translation>将训练移到回收站，在那里保留三十天</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>move the files instead of copying them</source>
   <translation>移动文件而不是复制</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>moved by answer</source>
   <translation>已按答案移动</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>moved into one folder</source>
   <translation>已移动到一个文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>n = {n}: too few for a figure</source>
   <translation>n = {n}：太少，无法给出指标</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>names shown for each finding (default: 3)</source>
   <translation>每项发现显示的名称数（默认：3）</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture in several classes: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture in several classes: at least once</extracomment>
   <translation>
    <numerusform>几乎相同的图片出现在多个类别中：至少 {count:,} 次</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture in several classes: {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture in several classes: once</extracomment>
   <translation>
    <numerusform>几乎相同的图片出现在多个类别中：{count:,} 次</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture more than once in a class: at least {count:,} spare</source>
   <translation>几乎相同的图片在一个类别中多次出现：至少多余 {count:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture more than once in a class: {count:,} spare</source>
   <translation>几乎相同的图片在一个类别中多次出现：多余 {count:,} 张</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture on both sides of a split: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture on both sides of a split: at least once</extracomment>
   <translation>
    <numerusform>几乎相同的图片出现在数据划分的两侧：至少 {count:,} 次</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture on both sides of a split: once</extracomment>
   <translation>
    <numerusform>几乎相同的图片出现在数据划分的两侧：{count:,} 次</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>neither '{folder}' nor '{file}' was found</source>
   <translation>'{folder}' 和 '{file}' 均未找到</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>nesterov needs a momentum above 0</source>
   <translation>nesterov 需要大于 0 的 momentum</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>never answered</source>
   <translation>从未作为答案</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>new names instead, each in the folder where it is</source>
   <translation>改用新名称，各自留在所在的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>no answer</source>
   <translation>没有答案</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>no answer within {timeout_s:.0f} seconds</source>
   <translation>{timeout_s:.0f} 秒内没有回应</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>no answer: {naming}: {clean}</source>
   <translation>没有答案：{naming}：{clean}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>no authority is known: downloads over https would be refused</source>
   <translation>没有已知的证书颁发机构：通过 https 的下载会被拒绝</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>no camera was named</source>
   <translation>没有指定摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>no checksum for the domain gate's file {file}</source>
   <translation>图片类型检查文件 {file} 没有校验和</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>no checksum for {needed}</source>
   <translation>{needed} 没有校验和</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>no class has this figure</source>
   <translation>没有类别具备此指标</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>no connection to {host}</source>
   <translation>无法连接到 {host}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>no distances follow from the pictures' features: {error}</source>
   <translation>由图片的特征得不出距离：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>no domain gate: {trouble}</source>
   <translation>没有图片类型检查：{trouble}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>no epoch left</source>
   <translation>没有剩余的轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>no epoch was finished before, so none could be kept</source>
   <translation>之前没有完成任何一轮，因此没有可保留的</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no figure on the test split: {why}</source>
   <translation>测试集上没有指标：{why}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>no files have been copied, moved or renamed</source>
   <translation>没有复制、移动或重命名任何文件</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>no folder was chosen</source>
   <translation>没有选择文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>no image in this range</source>
   <translation>此范围内没有图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>no image of another class</source>
   <translation>没有其他类别的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>no image of this class</source>
   <translation>没有此类别的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>no image of this class, and none was taken for it</source>
   <translation>没有此类别的图片，也没有图片被当作此类别</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>no image was answered</source>
   <translation>没有回答任何图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>no image was answered by both</source>
   <translation>没有图片得到二者的回答</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>no ink was found: the picture is blank</source>
   <translation>未找到笔迹：图片是空白的</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>no label of this evaluation was judged</source>
   <translation>此评估中没有判断过任何标签</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>no negative image</source>
   <translation>没有阴性图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>no pattern was found in the file names of '{title}'</source>
   <translation>在 '{title}' 的文件名中没有找到模式</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>no picture</source>
   <translation>没有图片</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_client.py" />
   <source>no picture came within {seconds:.0f} seconds</source>
   <translation>{seconds:.0f} 秒内没有收到画面</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>no picture of this project has a label yet</source>
   <translation>此项目中还没有图片有标签</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>no picture of {count:,} classes ({names}) opens</source>
   <extracomment>Where the count is one, English says: no picture of class {names} opens</extracomment>
   <translation>
    <numerusform>{count:,} 个类别（{names}）没有一张图片能打开</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/teaching/accuracy.py" />
   <source>no picture that was drawn at random has a label</source>
   <translation>随机抽取的图片都没有标签</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>no picture was answered: {first}</source>
   <translation>没有回答任何图片：{first}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>no picture was written</source>
   <translation>没有写入图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>no pictures in the report</source>
   <translation>报告中不含图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>no positive image</source>
   <translation>没有阳性图片</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar.py" />
   <source>no process could be started to look at the pictures</source>
   <translation>无法启动查看图片的进程</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>no process could be started to open pictures: {reason}</source>
   <translation>无法启动打开图片的进程：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>no process could be started: {value}</source>
   <translation>无法启动进程：{value}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>no reason</source>
   <translation>没有原因</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>no runs yet; 'fovea train --data DATA --name NAME' begins one</source>
   <translation>还没有训练；'fovea train --data DATA --name NAME' 可开始一项</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no searches yet; 'fovea search --help' shows how to begin one</source>
   <translation>还没有搜索；'fovea search --help' 说明如何开始</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>no such output</source>
   <translation>没有这样的输出</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>no such place</source>
   <translation>没有这样的位置</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>no table that names pictures was found in '{title}'</source>
   <translation>在 '{title}' 中没有找到列出图片的表格</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>no threshold could be chosen: validation holds no picture of '{missing}'</source>
   <translation>无法选择阈值：验证集没有 '{missing}' 的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>no translation comes with this version; its words are English</source>
   <translation>此版本不带翻译；其文字为英语</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no trial has finished</source>
   <translation>没有完成任何试验</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no trial has finished yet</source>
   <translation>尚未完成任何试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation>无</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>none of {count:,} pictures can be read</source>
   <translation>{count:,} 张图片没有一张能读取</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>none yet</source>
   <translation>暂无</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>not a valid path</source>
   <translation>不是有效的路径</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not as delivered: {changed}</source>
   <translation>与交付时不同：{changed}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>not as it was saved: {changed}</source>
   <translation>与保存时不同：{changed}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>not compared</source>
   <translation>未比较</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>not done within {training_s:.0f} s</source>
   <translation>{training_s:.0f} 秒内未完成</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>not frozen</source>
   <extracomment>The program run by the system's Python.</extracomment>
   <translation>非打包版</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not installed</source>
   <translation>未安装</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>not known</source>
   <translation>未知</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>not known: {bounds}</source>
   <translation>未知：{bounds}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>not stated</source>
   <translation>未说明</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>not sure</source>
   <translation>不确定</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>not taken</source>
   <translation>未采用</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>not the published file: its user vouched for it by its SHA-256</source>
   <translation>不是所发布的文件：其用户以其 SHA-256 作了担保</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not tried: the engine does not start</source>
   <translation>未尝试：引擎没有启动</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>nothing</source>
   <extracomment>What a file holds: 'it holds nothing'.</extracomment>
   <translation>空内容</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing gets this answer</source>
   <translation>没有图片得到此答案</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>nothing has been looked at yet</source>
   <translation>还没有查看任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>nothing in the help holds '{words}'</source>
   <translation>帮助中没有内容含有 '{words}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/fitness.py" />
   <source>nothing is left to check with: each class has a single picture</source>
   <translation>没有可用于检查的图片：每个类别只有一张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/fitness.py" />
   <source>nothing is left to check with: the pictures of each class belong together (one person's, copies, or frames of one video)</source>
   <translation>没有可用于检查的图片：每个类别的图片属于一体（同一人的、副本或同一视频的帧）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>nothing odd was found</source>
   <translation>没有发现异常</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>nothing to do</source>
   <translation>没有要做的</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing was called negative</source>
   <translation>没有图片被判为阴性</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing was called positive</source>
   <translation>没有图片被判为阳性</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>nothing was moved: what is to be done could not be written down ({reason})</source>
   <translation>没有移动任何内容：要做的操作无法记录下来（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>nothing was said</source>
   <translation>没有说明任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>nothing was said about it</source>
   <translation>没有说明原因</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>numbers of pictures to learn from</source>
   <translation>用于学习的图片数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>numbers to try</source>
   <translation>要尝试的数字</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>of how many is not known</source>
   <translation>基于多少张未知</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>of the folders there only '{name}' holds pictures: the classes are those in it</source>
   <translation>那里的文件夹中只有 '{name}' 含有图片：类别是其中的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>of the pictures of a study: name their files, too</source>
   <translation>对检查的图片：也列出其文件名</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>of the splits {listing} the split '{name}' was read</source>
   <translation>在数据划分 {listing} 中读取了 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>on the validation split</source>
   <translation>在验证集上</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>on {perturbed} copies of the validation split, augmented as in training</source>
   <translation>在验证集的 {perturbed} 份副本上，副本按训练中的方式增强</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>one JSON list</source>
   <translation>一个 JSON 列表</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>one JSON object</source>
   <translation>一个 JSON 对象</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>one JSON object a line</source>
   <translation>每行一个 JSON 对象</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>one JSON object instead of text</source>
   <translation>以一个 JSON 对象代替文本</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>one epoch in a child; exported, verified and asked: {count} scores</source>
   <translation>在子进程中训练一轮；已导出、校验并询问：{count} 个得分</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>one image allows no interval</source>
   <translation>只有一张图片，无法给出区间</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>one letter or digit is expected as a class's key</source>
   <translation>类别的按键应为一个字母或数字</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>one model (default: all)</source>
   <translation>一个模型（默认：全部）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>one of its '{name}'</source>
   <translation>其 '{name}' 中的一项</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>one of {choices}</source>
   <translation>{choices} 之一</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>one person allows no interval</source>
   <translation>只有一个人，无法给出区间</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>one picture would need {value:,} bytes of memory</source>
   <translation>一张图片需要 {value:,} 字节内存</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>one row for every picture</source>
   <translation>每张图片一行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>one run: its state, figures and settings</source>
   <translation>一项训练：其状态、指标和设置</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>only addresses that begin with https:// or http:// are fetched</source>
   <translation>只获取以 https:// 或 http:// 开头的地址</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>only runs in this state (done, stopped, interrupted …)</source>
   <translation>仅限处于此状态的训练（done、stopped、interrupted …）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>opened</source>
   <extracomment>What could not be done with a project, in a sentence: '… could not be opened: the disk is full'.</extracomment>
   <translation>打开</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>opening pictures</source>
   <translation>正在打开图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>other pictures, or these have changed since</source>
   <translation>不同的图片，或图片此后已改变</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>other settings</source>
   <translation>不同的设置</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>outputs name no 'probabilities'</source>
   <translation>outputs 没有列出 'probabilities'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>padded to {target}, nothing cut off</source>
   <translation>填充到 {target}，未裁掉任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>page {frame} of {frames}</source>
   <translation>第 {frame} 页，共 {frames} 页</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>parallel coordinates, as PNG or HTML by the suffix</source>
   <translation>平行坐标图，按扩展名为 PNG 或 HTML</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>passed over, for they are no pictures: {listing}</source>
   <translation>已跳过，因为不是图片：{listing}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>patience, swa, l1 and l2 must be at least 0</source>
   <translation>patience、swa、l1 和 l2 必须不小于 0</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>paused</source>
   <translation>已暂停</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>people or cases with pictures on both sides of a split: {count:,}</source>
   <translation>图片分在数据划分两侧的人或病例：{count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>perturbed {perturbed} found; expected 0 to 20 copies</source>
   <translation>perturbed 为 {perturbed}；预期为 0 至 20 份副本</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>photos of cats and dogs</source>
   <translation>猫和狗的照片</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>picture {name}</source>
   <translation>图片 {name}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>pictures and folders of pictures</source>
   <translation>图片和图片文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>pictures have other content than when this run began, under the same names: the data's fingerprint is {fingerprint}, {fingerprint2} was expected</source>
   <translation>与这项训练开始时相比，同名图片的内容已不同：数据的指纹为 {fingerprint}，预期为 {fingerprint2}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>pictures in column '{name}'</source>
   <translation>图片在列 '{name}' 中</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>pictures of less than {tiny} pixels a side: {count:,}</source>
   <translation>边长不足 {tiny} 像素的图片：{count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>pictures of yours to compare answers on (default: two photographs of scikit-learn)</source>
   <translation>用于比较答案的你的图片（默认：scikit-learn 的两张照片）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>pictures that do not open: {count:,} ({listing}); they are left out</source>
   <translation>无法打开的图片：{count:,}（{listing}）；它们被略去</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>pictures to open</source>
   <translation>要打开的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>pictures without a folder for each class were found</source>
   <translation>找到了没有按类别分文件夹的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>pixels (default: 1280x720)</source>
   <translation>像素（默认：1280x720）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>plain bars at the edges</source>
   <translation>边缘的纯色条</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>plan.{name}: fields unknown in schema 1: {stray}</source>
   <translation>plan.{name}：模式 1 中未知的字段：{stray}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>plan: fields unknown in schema 1: start, preset</source>
   <translation>plan：模式 1 中未知的字段：start、preset</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>precision</source>
   <translation>精确率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB</source>
   <translation>预处理的图片和解压的压缩包占用 {taken:.2f} GB，上限 {most:.0f} GB</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB; {removed:.2f} GB were removed</source>
   <translation>预处理的图片和解压的压缩包占用 {taken:.2f} GB，上限 {most:.0f} GB；移除了 {removed:.2f} GB</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>preparing pictures</source>
   <translation>正在预处理图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>print class, method and map as one JSON object</source>
   <translation>将类别、方法和热力图输出为一个 JSON 对象</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>printed as pictures only</source>
   <translation>仅以图片形式刊印</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>pydicom brings no test file of this transfer syntax</source>
   <translation>pydicom 没有此传输语法的测试文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>rate must be above 0 and warmup a fraction below 1</source>
   <translation>rate 必须大于 0，warmup 为小于 1 的分数</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>read</source>
   <extracomment>What could not be done with a project, in a sentence: '… could not be read: …'.</extracomment>
   <translation>读取</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>read at 1/{factor} of {width}×{height}, for it is very large</source>
   <translation>因为非常大，以 {width}×{height} 的 1/{factor} 读取</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>read by the layout '{layout}'</source>
   <translation>按布局 '{layout}' 读取</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>read the help: its topics, one of them, or where words stand</source>
   <translation>阅读帮助：其主题、某个主题，或词语所在之处</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>reading names</source>
   <translation>正在读取名称</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>reading the headers of DICOM files: {done:,} of {total:,} …</source>
   <translation>正在读取 DICOM 文件的头信息：{done:,} / {total:,} …</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>recall</source>
   <translation>召回率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>remove them all</source>
   <translation>全部移除</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>rename</source>
   <translation>重命名</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>renamed</source>
   <translation>已重命名</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>report format</source>
   <translation>报告格式</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>residual-cnn, fast-cnn, the net of a preset, or layers such as C32k3s,P2,flatten,D128</source>
   <translation>residual-cnn、fast-cnn、某个预设的网络，或各层，例如 C32k3s,P2,flatten,D128</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>results</source>
   <translation>结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>resumed after epoch {epoch}{within}</source>
   <translation>在第 {epoch} 轮{within}之后继续</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>right among them (%)</source>
   <translation>其中正确的比例 (%)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>rotate, shift, shear, zoom</source>
   <translation>旋转、平移、错切、缩放</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_rows.py" />
   <source>rows of this project are missing</source>
   <translation>此项目缺少一些行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>run {name}: {name2}</source>
   <translation>训练 {name}：{name2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>saturation and colour cast</source>
   <translation>饱和度和偏色</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>saved</source>
   <extracomment>What could not be done with a project, in a sentence: '… could not be saved: …'.</extracomment>
   <translation>保存</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>say what is in a folder and what is wrong with it</source>
   <translation>说明文件夹中有什么，以及有什么问题</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>say what to train: --data DATA, --preset ID or --plan FILE</source>
   <translation>请说明训练什么：--data DATA、--preset ID 或 --plan FILE</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>say what to train: --data DATA, --preset ID, --plan FILE or --resume RUN</source>
   <translation>请说明训练什么：--data DATA、--preset ID、--plan FILE 或 --resume RUN</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>say what would be done, and do nothing</source>
   <translation>说明将会做什么，但不执行</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that it covers {size} and cut its middle out</source>
   <translation>缩放到覆盖 {size}，再裁出中间部分</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that it fits into {size} and fill the rest with {pad_value}</source>
   <translation>缩放到适合 {size}，其余以 {pad_value} 填充</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that its shorter side has {resize_shorter} pixels and cut the middle {size} out</source>
   <translation>缩放到短边为 {resize_shorter} 像素，再裁出中间的 {size}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>schema {schema} found, {schema2} expected; a newer Fovea may read it</source>
   <translation>模式为 {schema}，预期为 {schema2}；较新的 Fovea 也许能读取</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>schema {schema} found, {schema_version} expected; a newer Fovea may read it</source>
   <translation>模式为 {schema}，预期为 {schema_version}；较新的 Fovea 也许能读取</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>scores are called {scores}; expected 'probability' or 'model score'</source>
   <translation>得分称为 {scores}；预期为 'probability' 或 'model score'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>see how accuracy grows with the number of pictures</source>
   <translation>查看准确率如何随图片数增长</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>seed {seed} found; expected a whole number from 0 to {seeds}</source>
   <translation>seed 为 {seed}；预期为 0 至 {seeds} 的整数</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>sensitivity and specificity alike</source>
   <translation>灵敏度与特异度相当</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>sensitivity for '{label}'</source>
   <translation>“{label}”的灵敏度</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>set aside: '{rsplit}' ({reason})</source>
   <translation>已搁置：'{rsplit}'（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>set aside: {count} pictures that cannot be read</source>
   <translation>已搁置：{count} 张无法读取的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>settings</source>
   <translation>设置</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>share right</source>
   <extracomment>Axis of a plot: share of right answers.</extracomment>
   <translation>正确比例</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>shift by whole pixels</source>
   <translation>按整像素平移</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>show a search instead of running one</source>
   <translation>显示搜索而不运行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>show all file names: a medical model's, and those that read like a person's, become numbers otherwise</source>
   <translation>显示所有文件名：否则医疗模型的文件名以及像人名的文件名会变为编号</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>show so many (default: 20)</source>
   <translation>显示这么多（默认：20）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>show the named systems and end</source>
   <translation>显示有名称的网络系统并结束</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>shown through the lookup table of the file</source>
   <translation>通过文件的查找表显示</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>signal {number}</source>
   <translation>信号 {number}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>so many (default: as many as suit)</source>
   <translation>这么多（默认：合适的数量）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>so many trials in all, chosen by TPE</source>
   <translation>总共这么多次试验，由 TPE 选择</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>softer and sharper</source>
   <translation>更柔和与更锐利</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/linear_heads.py" />
   <source>softmax regression (C = {value:g})</source>
   <translation>softmax 回归 (C = {value:g})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>something does not hold</source>
   <translation>有不正常的</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>something of '{node}'</source>
   <translation>'{node}' 的内容</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>split '{split}' holds no picture of {count:,} classes: {names}</source>
   <extracomment>Where the count is one, English says: split '{split}' holds no picture of class {names}</extracomment>
   <translation>
    <numerusform>数据划分 '{split}' 中有 {count:,} 个类别没有图片：{names}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>state {state} is unknown</source>
   <translation>未知状态 {state}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>stopped</source>
   <translation>已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>stopped after {count} epochs; the checkpoint is kept</source>
   <translation>在 {count} 轮之后停止；检查点已保留</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>stopped at once; the last checkpoint stays</source>
   <translation>已立即停止；最近的检查点保留</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>stopped at your wish</source>
   <translation>已按你的要求停止</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopped before the first answer: nothing is kept, no file was written</source>
   <translation>在第一个答案之前已停止：没有保留任何内容，没有写入文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>stopped early: no better epoch since epoch {number}</source>
   <translation>提前停止：自第 {number} 轮以来没有更好的轮</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopped early: {right:,} of the {count:,} answered pictures are right, about the same share of every class was seen; kept as incomplete (Evaluate in the window opens it), no file was written</source>
   <translation>提前停止：已回答的 {count:,} 张图片中 {right:,} 张正确，各类别看过的比例大致相同；保留为不完整（可由窗口的“评估”打开），没有写入文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>stopped; the checkpoint is kept</source>
   <translation>已停止；检查点已保留</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>stopped; the same command goes on</source>
   <translation>已停止；用相同的命令可继续</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>stopping after this batch; Ctrl-C again stops now</source>
   <translation>本批次后停止；再按 Ctrl-C 立即停止</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>stopping after this file …</source>
   <translation>在此文件之后停止 …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>stopping after this file; what was done can be undone …</source>
   <translation>在此文件之后停止；已做的可以撤销 …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>stopping; nothing is left behind</source>
   <translation>正在停止；不留下任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>stopping; nothing is taken over</source>
   <translation>正在停止；不采用任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_projects.py" />
   <source>stopping; what was added stays</source>
   <translation>正在停止；已添加的会保留</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopping; what was answered by now is kept; Ctrl-C again stops at once and keeps nothing</source>
   <translation>正在停止；到目前已回答的会保留；再按 Ctrl-C 立即停止且不保留任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>stored with white as zero, inverted</source>
   <translation>以白色为零存储，已反相</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>stretch it to {size}, whatever its shape</source>
   <translation>不论形状，拉伸到 {size}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>stretched from {width}×{height} to {target}</source>
   <translation>从 {width}×{height} 拉伸到 {target}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>study {study}, series {number}</source>
   <translation>检查 {study}，序列 {number}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>subsampled YCbCr colour of this kind</source>
   <translation>此类亚采样的 YCbCr 颜色</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>suggestions of one class alone</source>
   <translation>仅限一个类别的建议</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>take a deleted model back</source>
   <translation>恢复已删除的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>take a run out of the trash</source>
   <translation>将训练移出回收站</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>take back the last command, or that one</source>
   <translation>撤回最近的或指定的命令</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>take the kept result where the same model saw the same data before</source>
   <translation>若同一模型以前看过同一数据，则采用保留的结果</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>take those of another kind, and the unsure ones, along</source>
   <translation>其他类型的和不确定的图片也一并处理</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>take up a run: its id, its folder, or 'last'</source>
   <translation>继续一项训练：其标识、其文件夹，或 'last'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>taken back</source>
   <translation>已撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>task {task} found, 'classification' expected</source>
   <translation>任务为 {task}，预期为 'classification'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>teach: the project (default: the list of them)</source>
   <translation>teach：项目（默认：项目列表）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>teach: what is shown next (default: all)</source>
   <translation>teach：接下来显示什么（默认：全部）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>text</source>
   <extracomment>What a file holds instead of a picture: 'The file holds text; expected …'.</extracomment>
   <translation>文本</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>that is not the address of a camera</source>
   <translation>那不是摄像头的地址</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the HDF5 file is damaged or cut off</source>
   <translation>HDF5 文件已损坏或不完整</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the ImageNet networks that can be installed</source>
   <translation>可安装的 ImageNet 网络</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the LiteRT file is damaged or cut off</source>
   <translation>LiteRT 文件已损坏或不完整</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the LiteRT file is damaged or of an unknown version</source>
   <translation>LiteRT 文件已损坏或版本未知</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' is damaged</source>
   <translation>Parquet 文件 '{name}' 已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' is damaged or cut off</source>
   <translation>Parquet 文件 '{name}' 已损坏或不完整</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' needs too much memory</source>
   <translation>Parquet 文件 '{name}' 需要的内存太多</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' took too long</source>
   <translation>Parquet 文件 '{name}' 耗时太长</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the address cannot be reached ({lower})</source>
   <translation>无法访问该地址（{lower}）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the answer sets' coverage and sizes do not go with their error rates</source>
   <translation>可能答案集合的覆盖率和大小与其错误率不符</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the answer sets' error rates are not fractions in rising order</source>
   <translation>可能答案集合的错误率不是递增的分数</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the architecture 'head' goes with the starts 'features' and 'fine-tune', and with no other</source>
   <translation>架构 'head' 只与起点 'features' 和 'fine-tune' 一起使用</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' holds a name that leads out of it</source>
   <translation>压缩包 '{name}' 含有指向其外部的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' holds one name twice</source>
   <translation>压缩包 '{name}' 含有重复的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' {what}</source>
   <translation>压缩包 '{name}' {what}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive describes '{name}' without its weights</source>
   <translation>压缩包描述了 '{name}'，但没有其权重</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the archive has no '{missing}': it is no .keras file of Keras 3</source>
   <translation>压缩包没有 '{missing}'：它不是 Keras 3 的 .keras 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive has no '{name}'</source>
   <translation>压缩包没有 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive has {count:,} members; at most {most_members:,} expected</source>
   <translation>压缩包有 {count:,} 个成员；预期最多 {most_members:,} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive holds '{extra}', which its description does not name</source>
   <translation>压缩包含有其描述中没有列出的 '{extra}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds '{name}' twice</source>
   <translation>压缩包中 '{name}' 出现两次</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds a link ('{name}')</source>
   <translation>压缩包含有链接（'{name}'）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds a member that leads out of it ({name})</source>
   <translation>压缩包含有指向其外部的成员（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive holds {count} model descriptions (model.json), one expected</source>
   <translation>压缩包含有 {count} 个模型描述 (model.json)，预期为一个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive is encrypted</source>
   <translation>压缩包已加密</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive is packed in a way that is not used here</source>
   <translation>压缩包采用了此处不使用的压缩方式</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive would unpack to {total:,} bytes; at most {most:,} expected</source>
   <translation>压缩包会解压成 {total:,} 字节；预期最多 {most:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the best of several looks better than it is: --test measures it on other pictures</source>
   <translation>多个中最好的看起来会好于实际：--test 在其他图片上测量它</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>the camera stopped with a fault ({fault})</source>
   <translation>摄像头因故障停止（{fault}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/works_here.py" />
   <source>the card</source>
   <translation>卡片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>the card of one model: what it is for, how good it is, its limits</source>
   <translation>某个模型的卡片：它的用途、有多好、局限</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the certificate of {host} is not trusted here: {verify_message}</source>
   <translation>此处不信任 {host} 的证书：{verify_message}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>the change</source>
   <translation>更改</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>the checkpoint '{name}' is damaged</source>
   <translation>检查点 '{name}' 已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint belongs to another training plan</source>
   <translation>检查点属于另一个训练方案</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint could not be written: {strerror}</source>
   <translation>检查点无法写入：{strerror}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint does not fit this network</source>
   <translation>检查点与此网络不符</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint does not fit this optimizer</source>
   <translation>检查点与此优化器不符</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the checksum beside the file is none</source>
   <translation>文件旁的校验和不是校验和</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the chosen threshold</source>
   <translation>选定的阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the class folders of '{title}' ({most}) hold no pictures</source>
   <translation>'{title}' 的类别文件夹（{most}）不含图片</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the class with the highest score</source>
   <translation>得分最高的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>the classifying layer needs 'flatten', 'gap' or 'gmp' before it</source>
   <translation>分类层之前需要 'flatten'、'gap' 或 'gmp'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the connection to {host} ended after {done:,} of {total:,} bytes</source>
   <translation>与 {host} 的连接在 {done:,} / {total:,} 字节之后中断</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/convert.py" />
   <source>the conversion to LiteRT failed: it wrote nothing</source>
   <translation>转换为 LiteRT 失败：没有写出任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/convert.py" />
   <source>the conversion to LiteRT failed: {message}</source>
   <translation>转换为 LiteRT 失败：{message}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the converted file differs from the network by {gap:.1e}; at most {limit:.0e} expected</source>
   <translation>转换后的文件与网络相差 {gap:.1e}；预期最多 {limit:.0e}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the converted file's outputs have other names than the model's</source>
   <translation>转换后文件的输出名称与模型的不同</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>the curves, as PNG or HTML by the suffix</source>
   <translation>曲线，按扩展名为 PNG 或 HTML</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>the data has no class '{name}'</source>
   <translation>数据没有类别 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the data has none</source>
   <translation>数据没有</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the data name more than {most_classes:,} classes</source>
   <translation>数据列出的类别超过 {most_classes:,} 个</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the data was found {count} folders deeper, in '{inner}'</source>
   <extracomment>Where the count is one, English says: the data was found one folder deeper, in '{inner}'</extracomment>
   <translation>
    <numerusform>数据位于 {count} 层文件夹之下，在 '{inner}' 中</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the decision '{rule}' goes with two labels and a positive class of 0 or 1</source>
   <translation>判定 '{rule}' 要求两个标签和为 0 或 1 的阳性类别</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the disk cannot be asked for its room: {reason}</source>
   <translation>无法查询磁盘的可用空间：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>the disk of '{name}'</source>
   <translation>'{name}' 所在的磁盘</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>the disk of Fovea's cache</source>
   <translation>Fovea 缓存所在的磁盘</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the disk of Fovea's cache filled up while '{name}' was unpacked</source>
   <translation>解压 '{name}' 时，Fovea 缓存所在的磁盘已满</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the disk of Fovea's cache has no room to unpack '{name}'</source>
   <translation>Fovea 缓存所在的磁盘没有空间解压 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the disk of Fovea's cache has no room to write out '{name}'</source>
   <translation>Fovea 缓存所在的磁盘没有空间写出 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>the disk of Fovea's own data</source>
   <translation>Fovea 自己的数据所在的磁盘</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the domain gate of model '{id}' is for colour; it takes grey</source>
   <translation>模型 '{id}' 的图片类型检查用于彩色；它接收灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the domain gate of model '{id}' takes {count} features; its network gives {size}</source>
   <translation>模型 '{id}' 的图片类型检查需要 {count} 个特征；其网络给出 {size} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the domain gate's figures are no numbers in their range</source>
   <translation>图片类型检查的数值不是其范围内的数字</translation>
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>the drawing stays: {reason_of}</source>
   <translation>绘图保持不变：{reason_of}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>the drawing was not kept: {reason_of}</source>
   <translation>绘图未保存：{reason_of}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the engine</source>
   <translation>引擎</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine did not answer within {start_s:.0f} seconds</source>
   <translation>引擎在 {start_s:.0f} 秒内没有回应</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/answers.py" />
   <source>the engine ended its work without an answer for this picture</source>
   <translation>引擎结束工作时没有给出此图片的答案</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>the engine ended {blamed_after} times while working on this ({reason})</source>
   <translation>引擎在处理它时结束了 {blamed_after} 次（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process answers differently</source>
   <translation>引擎进程的回答不同</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>the engine process does not start</source>
   <translation>引擎进程没有启动</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process ended: {reason}</source>
   <translation>引擎进程已结束：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process was not ready within {start_s:.0f} seconds</source>
   <translation>引擎进程在 {start_s:.0f} 秒内没有就绪</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the evaluation</source>
   <translation>评估</translation>
  </message>
  <message>
   <location filename="../../desktop/services/evaluation.py" />
   <source>the evaluation failed: {name}: {error}</source>
   <translation>评估失败：{name}：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>the evaluation was stopped</source>
   <translation>评估已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>the evaluation was stopped before a picture was answered</source>
   <translation>评估在回答任何图片之前已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/events.py" />
   <source>the event '{values}' lacks a field or has a strange one</source>
   <translation>事件 '{values}' 缺少字段或有异常的字段</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the export</source>
   <translation>导出</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the export was cancelled</source>
   <translation>导出已取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the exported file</source>
   <translation>导出的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the exported file differs from the model by {facts:.1e} in a score; {limit:.0e} at most expected</source>
   <translation>导出的文件与模型的得分相差 {facts:.1e}；预期最多 {limit:.0e}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the exported file gives no usable numbers (NaN or infinity)</source>
   <translation>导出的文件没有给出可用的数字（NaN 或无穷大）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the exported file gives {shape}, the model {shape2}</source>
   <translation>导出的文件给出 {shape}，模型给出 {shape2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>the features could not be written: {reason}</source>
   <translation>特征无法写入：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the file</source>
   <translation>文件</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>the file cannot be read</source>
   <translation>文件无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file carries code ('{error}'); it was not run</source>
   <translation>文件带有代码（'{error}'）；没有运行</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file declares {declared:,} bytes of data and has {size:,}; at most {most:,} are opened</source>
   <translation>文件声明有 {declared:,} 字节的数据，实有 {size:,}；最多打开 {most:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the file describes no Functional or Sequential network</source>
   <translation>文件描述的不是 Functional 或 Sequential 网络</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the file does not agree with its checksum: it was changed or cut off</source>
   <translation>文件与其校验和不符：它被更改或不完整</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the file does not say everything, and nothing is guessed:</source>
   <translation>文件没有说明一切，也不作任何猜测：</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the file does not say everything: {values}</source>
   <translation>文件没有说明一切：{values}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install_steps.py" />
   <source>the file has changed while it was read: SHA-256 {found} found, {sha256} expected</source>
   <translation>文件在读取时改变了：SHA-256 为 {found}，预期为 {sha256}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file has more than {most_objects:,} entries</source>
   <translation>文件有超过 {most_objects:,} 个条目</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file has {count:.1f} GB; at most 1.1 GB are opened</source>
   <translation>文件有 {count:.1f} GB；最多打开 1.1 GB</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the file has {size:,} bytes; at most {most_bytes:,} expected</source>
   <translation>文件有 {size:,} 字节；预期最多 {most_bytes:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds data of a kind that weights do not have ({dtype})</source>
   <translation>文件含有权重不会有的数据类型（{dtype}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds links in place of data</source>
   <translation>文件以链接代替数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds something that is neither a group nor data</source>
   <translation>文件含有既非组也非数据的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the file holds weights alone, not the network that they belong to</source>
   <translation>文件只含权重，不含其所属的网络</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the file is damaged or cut off: it is no whole ZIP archive</source>
   <translation>文件已损坏或不完整：它不是完整的 ZIP 压缩包</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the file is damaged, cut off or empty</source>
   <translation>文件已损坏、不完整或是空的</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the file is damaged: its network cannot be read or does not run</source>
   <translation>文件已损坏：其网络无法读取或不能运行</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the file is far too large for an update file</source>
   <translation>对更新文件来说，该文件过大</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file is packed by a filter that is not used here ({compression})</source>
   <translation>文件以此处不使用的滤波器压缩（{compression}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file keeps its data in other files</source>
   <translation>文件将其数据存放在其他文件中</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the file keeps weights after its end, which is not read here</source>
   <translation>文件将权重放在其末尾之后，此处不读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file links to another file instead of holding its data</source>
   <translation>文件链接到另一个文件，而不含其数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file lists far more than a network's weights</source>
   <translation>文件列出的内容远多于网络的权重</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>the file names look like '{best}', which would give the classes</source>
   <translation>文件名看起来像 '{best}'，由此可得出类别</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>the file of stars and notes is damaged</source>
   <translation>星标和备注的文件已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install_steps.py" />
   <source>the file of weights is far larger than a network's</source>
   <translation>权重文件远大于网络的权重</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>the file to write</source>
   <translation>要写入的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>the file's end mark is missing, nothing of the picture is</source>
   <translation>缺少文件的结束标记，图片内容不缺</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's groups are nested deeper than {deepest} levels</source>
   <translation>文件的组嵌套超过 {deepest} 层</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's groups are nested too deeply</source>
   <translation>文件的组嵌套过深</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's notes are larger than any that weights need</source>
   <translation>文件的附注大于任何权重所需</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>the first</source>
   <translation>第一个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>the first {colours}</source>
   <translation>前 {colours} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the folder '{name}' holds a run already</source>
   <translation>文件夹 '{name}' 中已有一项训练</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the folder '{name}' may not be written to</source>
   <translation>文件夹 '{name}' 不可写入</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the folder for '{name}' is not there</source>
   <translation>'{name}' 的文件夹不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the folder holds no picture that can be opened</source>
   <translation>文件夹中没有能打开的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>the folder of --out cannot be made: {lower}</source>
   <translation>无法创建 --out 的文件夹：{lower}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the folder of --out does not exist</source>
   <translation>--out 的文件夹不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>the folder of models cannot be written to ({lower})</source>
   <translation>模型文件夹不可写入（{lower}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the folder to write into does not exist</source>
   <translation>要写入的文件夹不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the folders {others} hold folders of the same names ({first}): perhaps those are the classes, or splits, or masks beside the pictures. Make them the upper folders, or leave one kind out; if all they hold belongs to the upper folder's class, confirm it with the layout 'folders'</source>
   <translation>文件夹 {others} 含有同名的文件夹（{first}）：也许那些是类别，或数据划分，或图片旁的掩膜。请将它们作为上层文件夹，或略去其中一种；如果其中一切都属于上层文件夹的类别，请用布局 'folders' 确认</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/result.py" />
   <source>the gate was asked of no picture</source>
   <translation>没有对任何图片做图片类型检查</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>the help has no topic '{topic}'</source>
   <translation>帮助没有主题 '{topic}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest score decides: a threshold chosen {how} gains no more {what} than chance may ({value:+.1f} percentage points, 95 % interval {value2:+.1f} to {value3:+.1f}, cross-validated)</source>
   <translation>由最高得分决定：{how}选定的阈值所增加的 {what} 不超过偶然可能的范围（{value:+.1f} 个百分点，95 % 区间 {value2:+.1f} 至 {value3:+.1f}，经交叉验证）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest score decides: validation has {positives} and {negatives} pictures or persons of the two classes, and {fewest} of each are needed to choose a threshold</source>
   <translation>由最高得分决定：验证集的两个类别有 {positives} 和 {negatives} 张图片或个人，而选择阈值需要每类 {fewest}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest threshold with a sensitivity of at least {at_least:.0%}</source>
   <translation>灵敏度不低于 {at_least:.0%} 的最高阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the import was cancelled</source>
   <translation>导入已取消</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>the ink was cropped, scaled into {box}×{box} and centred by mass</source>
   <translation>笔迹已裁剪，缩放到 {box}×{box} 并按质心居中</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspecting.py" />
   <source>the inspection ended without a result (exit status {patience_s})</source>
   <translation>检查结束而没有结果（退出状态 {patience_s}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>the inspection failed unexpectedly ({name})</source>
   <translation>检查意外失败（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>the inspection was cancelled</source>
   <translation>检查已取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>the label '{label}' is there twice</source>
   <translation>标签 '{label}' 出现两次</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>the label with the highest score</source>
   <translation>得分最高的标签</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>the labels</source>
   <translation>标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>the labels in '{name}' cannot be read</source>
   <translation>'{name}' 中的标签无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>the labels of '{name}' are not beside it</source>
   <translation>'{name}' 的标签不在其旁边</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the last good epoch was kept</source>
   <translation>最后一个良好的轮已保留</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layer '{word}' has a number that is 0 or far too large</source>
   <translation>层 '{word}' 有为 0 或过大的数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layer '{word}' is not understood</source>
   <translation>无法理解层 '{word}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layers are not a list of words</source>
   <translation>各层不是词的列表</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>the learning has ended</source>
   <translation>学习已结束</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>the library that reads it crashed; it may have asked for more than the {memory:.1f} GiB of memory that it may use</source>
   <translation>读取它的库崩溃了；它可能要求了超过允许的 {memory:.1f} GiB 内存</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the licence of that, for its card</source>
   <translation>其许可证，用于卡片</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of installed files</source>
   <translation>已安装文件的列表</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of networks that can be installed is damaged</source>
   <translation>可安装网络的列表已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>the list of pictures</source>
   <translation>图片列表</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of the 1,000 classes is damaged</source>
   <translation>1,000 个类别的列表已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/services/last_session.py" />
   <source>the list of the last session</source>
   <translation>上次会话的列表</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>the log could not be written ({reason})</source>
   <translation>日志无法写入（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the lowest threshold there is, with a sensitivity of {reached:.1%}: the plan's cannot be reached</source>
   <translation>现有的最低阈值，灵敏度为 {reached:.1%}：无法达到方案的要求</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>the memory of {device} does not hold a batch of {batch}: each is computed in {parts} parts, whose gradients are averaged, so the steps stay the same</source>
   <translation>{device} 的内存容纳不下 {batch} 张的批次：每个批次分 {parts} 部分计算，其梯度取平均，因此各步保持不变</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the memory of {device} holds fewer validation pictures: {piece} are looked at together</source>
   <translation>{device} 的内存容纳的验证图片较少：一次查看 {piece} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>the memory of {device} is too small for this network: training on the CPU</source>
   <translation>{device} 的内存对此网络来说太小：在 CPU 上训练</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>the middle {kept:.0%} of {width}×{height} was used</source>
   <translation>使用了 {width}×{height} 中间的 {kept:.0%}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the model</source>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>the model '{model}' to begin from is not there</source>
   <translation>作为起点的模型 '{model}' 不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>the model '{name}' is in the store</source>
   <translation>模型 '{name}' 已存入模型库</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>the model (default: the first that can answer)</source>
   <translation>模型（默认：第一个能回答的）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the model folder (default: the user's models)</source>
   <translation>模型文件夹（默认：用户的模型）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the model has no class '{name}'</source>
   <translation>模型没有类别 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>the model has no label '{label}'</source>
   <translation>模型没有标签 '{label}'</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/worker.py" />
   <source>the model has {count} classes, none is number {index}</source>
   <translation>模型有 {count} 个类别，没有编号 {index}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>the model has {count} classes, none is {index}</source>
   <translation>模型有 {count} 个类别，没有第 {index} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the model is not sure of it</source>
   <translation>模型对它不确定</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/works_here.py" />
   <source>the model's card ({data})</source>
   <translation>模型卡片（{data}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/works_here.py" />
   <source>the model's card ({data}, split '{split}')</source>
   <translation>模型卡片（{data}，数据划分 '{split}'）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>the model's name is that of a patient in the headers of the DICOM files</source>
   <translation>模型的名称与 DICOM 文件头信息中某位患者的姓名相同</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's output is a model score</source>
   <translation>模型的输出是模型得分</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's output is a probability</source>
   <translation>模型的输出是概率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the model; 'fovea models list' names them</source>
   <translation>模型；'fovea models list' 列出其名称</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>the name has {count:,} characters; at most {longest_name} expected</source>
   <translation>名称有 {count:,} 个字符；预期最多 {longest_name} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>the name has {count} characters; at most {longest_name} expected</source>
   <translation>名称有 {count} 个字符；预期最多 {longest_name} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>the names of these classes look the same: {told}; {how}. Rename or merge their folders</source>
   <translation>这些类别的名称看起来相同：{told}；{how}。请重命名或合并它们的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>the names there (default: as they are)</source>
   <translation>其中的名称（默认：保持原样）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/selftest.py" />
   <source>the network answers {group} pictures at once otherwise than one by one (by {gap:.1e} in a score)</source>
   <translation>网络一次回答 {group} 张图片与逐张回答的结果不同（得分相差 {gap:.1e}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network brings files of its own, which image networks do not need</source>
   <translation>网络带有自己的文件，而图片网络不需要它们</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>the network cannot be taken apart at a map</source>
   <translation>网络无法在特征图处拆开</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>the network computes {width:,} features of a picture: too many for a gate</source>
   <translation>网络对每张图片计算 {width:,} 个特征：对图片类型检查来说太多</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the network gave no usable numbers for this picture</source>
   <translation>网络对此图片没有给出可用的数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network gives no usable numbers (NaN or infinity) for test pictures</source>
   <translation>网络对测试图片没有给出可用的数字（NaN 或无穷大）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has about {declared} million parameters</source>
   <translation>网络约有 {declared} 百万个参数</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network has branches that it chooses while running</source>
   <translation>网络有在运行时选择的分支</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>the network has no spatial map</source>
   <translation>网络没有空间特征图</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network has {count:,} operations</source>
   <translation>网络有 {count:,} 个运算</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has {count_params:,} parameters</source>
   <translation>网络有 {count_params:,} 个参数</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has {count} inputs and {count2} outputs; one of each expected</source>
   <translation>网络有 {count} 个输入和 {count2} 个输出；预期各一个</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>the network of everyday photographs is not installed</source>
   <translation>日常照片的网络未安装</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the network takes {name} {signature}; its description says uint8 {value}</source>
   <translation>网络接收 {name} {signature}；其描述为 uint8 {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network uses the operation '{own}', which is not on the list of operations that Fovea runs</source>
   <translation>网络使用了运算 '{own}'，不在 Fovea 所运行的运算的列表中</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network uses {what}, which is not on the list of layers that Fovea builds</source>
   <translation>网络使用了 {what}，不在 Fovea 所构建的层的列表中</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description has a layer without settings</source>
   <translation>网络的描述中有一层没有设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description has more than {most_nodes:,} parts</source>
   <translation>网络的描述有超过 {most_nodes:,} 个部分</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description has {count:,} bytes</source>
   <translation>网络的描述有 {count:,} 字节</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description is no object</source>
   <translation>网络的描述不是对象</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description lists no layers</source>
   <translation>网络的描述没有列出层</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description names a class by something that is no text</source>
   <translation>网络的描述以非文本内容指明类</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description names no layers</source>
   <translation>网络的描述没有指明层</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description: {error}</source>
   <translation>网络的描述：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>the new last layer learns from the pictures as they are: what the network sees in each is computed once</source>
   <translation>新的最后一层从原样的图片学习：网络在每张图片中看到的内容只计算一次</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/solved.py" />
   <source>the new last layer: {candidates}, the best of {count} ways</source>
   <translation>新的最后一层：{candidates}，{count} 种方式中最好的</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>the number {text} is too large</source>
   <translation>数字 {text} 过大</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the output that its description calls probabilities is another</source>
   <translation>其描述中称为概率的输出是另一个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>the package '{distribution}' is installed, but its file '{file}' is missing</source>
   <translation>已安装软件包 '{distribution}'，但缺少其文件 '{file}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>the package '{distribution}', which carries these weights, is not installed here</source>
   <translation>此处未安装带有这些权重的软件包 '{distribution}'</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>the page '{name}' has no part '{part}'</source>
   <translation>页面 '{name}' 没有部分 '{part}'</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>the pages of the help are missing or damaged</source>
   <translation>帮助的页面缺失或已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>the part to validate with where the data has none of its own: a fraction, or fraction:group with group person, auto or none (default: 0.2:auto)</source>
   <translation>数据没有自带验证集时用于验证的部分：分数，或 分数:分组，分组为 person、auto 或 none（默认：0.2:auto）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>the pattern '{pattern}' cannot be used</source>
   <translation>模式 '{pattern}' 无法使用</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the pattern '{pattern}' has a brace too many or too few</source>
   <translation>模式 '{pattern}' 的大括号多一个或少一个</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the pattern holds '{field}'</source>
   <translation>模式含有 '{field}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture to explain</source>
   <translation>要解释的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture to write</source>
   <translation>要写入的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar_child.py" />
   <source>the pictures could not be compared ({fault})</source>
   <translation>图片无法比较（{fault}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the pictures have {count:,} different sizes; all are brought to one</source>
   <translation>图片有 {count:,} 种不同的大小；全部调整为同一大小</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the pictures take {need}, and the disk has {free} free; some of that is kept</source>
   <translation>图片需要 {need}，而磁盘可用 {free}；其中一部分须保留</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>the pictures to learn from have changed since this run began: {what}</source>
   <translation>自这项训练开始以来，用于学习的图片已改变：{what}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>the pictures to validate with have changed since this run began: {what}</source>
   <translation>自这项训练开始以来，用于验证的图片已改变：{what}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the plan</source>
   <translation>方案</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the plan '{name}' cannot be read</source>
   <translation>方案 '{name}' 无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the plan cannot be read: {error}</source>
   <translation>方案无法读取：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>the plan does not say where its pictures lie</source>
   <translation>方案没有说明其图片的位置</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the plan leaves it closed (data.use_test)</source>
   <translation>方案没有打开它 (data.use_test)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the plan of the run '{run_id}' cannot be read</source>
   <translation>训练 '{run_id}' 的方案无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the plan of the run '{run_id}' is damaged</source>
   <translation>训练 '{run_id}' 的方案已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the plan was written; 'fovea train --plan {name}' trains it</source>
   <translation>方案已写入；'fovea train --plan {name}' 可训练它</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the plans are the same</source>
   <translation>两个方案相同</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>the prepared pictures could not be read back</source>
   <translation>预处理后的图片无法重新读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>the preset '{id}' needs to be told its classes and its pictures</source>
   <translation>预设 '{id}' 需要知道其类别和图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>the printed lines of the paper were left out</source>
   <translation>纸上的印刷线条已略去</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teaching.py" />
   <source>the process that learns from labels has ended ({why})</source>
   <translation>从标签学习的进程已结束（{why}）</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>the process that opens pictures does not start</source>
   <translation>打开图片的进程没有启动</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the program ended {times} times in the middle of it; it is not tried again</source>
   <translation>程序在其中途结束了 {times} 次；不再尝试</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/polarity.py" />
   <source>the program's file '{file}' is missing or broken</source>
   <translation>程序的文件 '{file}' 缺失或已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: another window of Fovea is writing to it</source>
   <translation>项目操作失败 ({what})：Fovea 的另一个窗口正在写入</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: {own_disk} does not answer as it should</source>
   <translation>项目操作失败 ({what})：{own_disk}没有正常响应</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: {own_disk} is full</source>
   <translation>项目操作失败 ({what})：{own_disk}已满</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: {own_disk} may not be written to</source>
   <translation>项目操作失败 ({what})：{own_disk}不可写入</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project is damaged and could not be {what}</source>
   <translation>项目已损坏，操作失败 ({what})</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project was opened by another process</source>
   <translation>项目由另一个进程打开</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy asks for a name and a password</source>
   <translation>代理要求名称和密码</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy of your settings does not answer</source>
   <translation>设置中的代理没有响应</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy refuses: {partition}</source>
   <translation>代理拒绝：{partition}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the published file ({licence})</source>
   <translation>所发布的文件（{licence}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>the range of {key} is {low:g} to {high:g}</source>
   <translation>{key} 的范围为 {low:g} 至 {high:g}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the record of the run '{run_id}' cannot be read</source>
   <translation>训练 '{run_id}' 的记录无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the record of the run '{run_id}' is damaged: {error}</source>
   <translation>训练 '{run_id}' 的记录已损坏：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>the report</source>
   <translation>报告</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>the report was not written: it was cancelled</source>
   <translation>报告未写入：已取消</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>the resamples are too much alike for an interval</source>
   <translation>重抽样彼此过于相似，无法得出区间</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the run</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' carries the record of '{id}'</source>
   <translation>训练 '{run_id}' 带有 '{id}' 的记录</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' could not be moved to the trash ({reason_of})</source>
   <translation>训练 '{run_id}' 无法移到回收站（{reason_of}）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is being written by another program</source>
   <translation>训练 '{run_id}' 正由另一个程序写入</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is not in the trash any more</source>
   <translation>训练 '{run_id}' 已不在回收站中</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is training</source>
   <translation>训练 '{run_id}' 正在进行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the run of trial {number} is not on this computer</source>
   <translation>试验 {number} 的训练不在这台计算机上</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the run's id, or 'last'</source>
   <translation>训练的标识，或 'last'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run's state</source>
   <translation>训练的状态</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture in several classes: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture in several classes: at least once</extracomment>
   <translation>
    <numerusform>相同的图片出现在多个类别中：至少 {count:,} 次</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture in several classes: {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture in several classes: once</extracomment>
   <translation>
    <numerusform>相同的图片出现在多个类别中：{count:,} 次</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture more than once in a class: at least {count:,} spare</source>
   <translation>相同的图片在一个类别中多次出现：至少多余 {count:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture more than once in a class: {count:,} spare</source>
   <translation>相同的图片在一个类别中多次出现：多余 {count:,} 张</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture on both sides of a split: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture on both sides of a split: at least once</extracomment>
   <translation>
    <numerusform>相同的图片出现在数据划分的两侧：至少 {count:,} 次</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture on both sides of a split: once</extracomment>
   <translation>
    <numerusform>相同的图片出现在数据划分的两侧：{count:,} 次</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the scratch copy of the model</source>
   <translation>模型的临时副本</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the search</source>
   <translation>搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{name}' cannot be opened ({name2})</source>
   <translation>搜索 '{name}' 无法打开（{name2}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{name}' cannot be read ({name2})</source>
   <translation>搜索 '{name}' 无法读取（{name2}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{study_name}' was begun with {what}</source>
   <translation>搜索 '{study_name}' 开始时所用的是{what}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/searching.py" />
   <source>the search could not be started: {reason}</source>
   <translation>搜索无法启动：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searching.py" />
   <source>the search's process has ended ({why})</source>
   <translation>搜索进程已结束（{why}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the searches on this computer</source>
   <translation>这台计算机上的搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server answered {code}</source>
   <translation>服务器回应 {code}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server did not answer in full within {whole_s:.0f} seconds</source>
   <translation>服务器在 {whole_s:.0f} 秒内没有完整回应</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the server starts from the beginning: its file has changed, or it cannot go on in the middle</source>
   <translation>服务器从头开始：其文件已改变，或它无法从中间继续</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server's answer makes no sense ({name})</source>
   <translation>服务器的回应没有意义（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the setting '{key}' of a layer '{name}' is not known</source>
   <translation>层 '{name}' 的设置 '{key}' 未知</translation>
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>the settings</source>
   <translation>设置</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>the splits of '{title}' hold pictures of different shapes</source>
   <translation>'{title}' 的各数据划分含有不同形状的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>the star or note was not kept: {disk} may be full, or may not be written to</source>
   <translation>星标或备注未保存：{disk}可能已满，或不可写入</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>the star or note was not kept: {reason}</source>
   <translation>星标或备注未保存：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the start '{kind}' goes with a model</source>
   <translation>起点 '{kind}' 需要指定模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the start '{kind}' goes without a model</source>
   <translation>起点 '{kind}' 不能指定模型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>the study</source>
   <translation>研究</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the system ended it for lack of memory</source>
   <translation>系统因内存不足将其结束</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>the system ended it, most likely for want of memory</source>
   <translation>系统将其结束，很可能因内存不足</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>the system refused it: {reason}</source>
   <translation>系统拒绝：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>the system refused it: {reason} ('{name}')</source>
   <translation>系统拒绝：{reason}（'{name}'）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>the table '{place}' has no column '{name}'</source>
   <translation>表格 '{place}' 没有列 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>the table '{place}' is not there or cannot be read</source>
   <translation>表格 '{place}' 不存在或无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the table has one column only</source>
   <translation>表格只有一列</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/general_words.py" />
   <source>the table of general words is damaged</source>
   <translation>通用词表已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the threshold</source>
   <translation>阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the trained model gives no numbers</source>
   <translation>训练出的模型没有给出数字</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>the training could not be written down ({name})</source>
   <translation>训练无法记录（{name}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the training ended: {text}</source>
   <translation>训练已结束：{text}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the training was cancelled</source>
   <translation>训练已取消</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the training was stopped</source>
   <translation>训练已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the training was stopped; its last checkpoint is kept</source>
   <translation>训练已停止；其最近的检查点已保留</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>the training's process has ended ({reason})</source>
   <translation>训练进程已结束（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the translation {name} cannot be loaded</source>
   <translation>翻译 {name} 无法载入</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>the trash holds no project</source>
   <translation>回收站中没有项目</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the trials as a table</source>
   <translation>试验表格</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>the two are compatible; it may be up to {value:.3f} worse here.</source>
   <translation>二者相容；此处可能最多差 {value:.3f}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the unpacked model</source>
   <translation>解压后的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>the very same numbers</source>
   <translation>数字完全相同</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the weight '{name}' of layer '{own}' has the shape {shape}; {tuple} expected</source>
   <translation>层 '{own}' 的权重 '{name}' 的形状为 {shape}；应为 {tuple}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the weight '{name}' of layer '{own}' is missing; {tuple} expected</source>
   <translation>层 '{own}' 缺少权重 '{name}'；应为 {tuple}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the weights of '{id}' are installed, to build upon</source>
   <translation>'{id}' 的权重已安装，可在其基础上构建</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>the weights of '{name}' are not installed</source>
   <translation>'{name}' 的权重未安装</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>the window could not be drawn: {trouble}</source>
   <translation>窗口无法绘制：{trouble}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the window was drawn empty</source>
   <translation>窗口绘制为空白</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the {what} was no longer a number in epoch {epoch}</source>
   <translation>{what} 在第 {epoch} 轮已不再是数字</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>their order is another</source>
   <translation>其顺序不同</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there are no copies</source>
   <translation>没有副本</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>there are no labelled pictures that neither '{old}' nor '{new}' has learned from</source>
   <translation>没有 '{old}' 和 '{new}' 都没学习过的已标注图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>there are no pictures to train on</source>
   <translation>没有可用于训练的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>there are no samples '{kind}'</source>
   <translation>没有示例 '{kind}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>there are only negative images: no ROC curve</source>
   <translation>只有阴性图片：没有 ROC 曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>there are only positive images: no ROC curve</source>
   <translation>只有阳性图片：没有 ROC 曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>there are pictures of one class alone</source>
   <translation>只有一个类别的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there are too many runs called '{name}' now</source>
   <translation>名为 '{name}' 的训练已过多</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>there is a class '{name}' already</source>
   <translation>已有类别 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>there is a file of that name</source>
   <translation>已有该名称的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>there is a model or an unfinished training '{wanted}': this one becomes '{id}'</source>
   <translation>已有模型或未完成的训练 '{wanted}'：此项成为 '{id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>there is another model '{model_id}' now</source>
   <translation>现在有另一个模型 '{model_id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>there is another project '{id}' now</source>
   <translation>现在有另一个项目 '{id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there is another run '{run_id}' now</source>
   <translation>现在有另一项训练 '{run_id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>there is no activation '{activation}'</source>
   <translation>没有激活函数 '{activation}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/architectures.py" />
   <source>there is no architecture '{name}'</source>
   <translation>没有架构 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>there is no architecture '{name}'; known: {architectures}</source>
   <translation>没有架构 '{name}'；已知的：{architectures}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>there is no augmentation '{name}'</source>
   <translation>没有数据增强 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>there is no camera number {number}</source>
   <translation>没有编号为 {number} 的摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>there is no checkpoint '{name}' in this run</source>
   <translation>这项训练中没有检查点 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no class '{class_name}'</source>
   <translation>没有类别 '{class_name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>there is no command '{name}'</source>
   <translation>没有命令 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>there is no component '{sorted}'</source>
   <translation>没有组件 '{sorted}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>there is no data set '{source}'</source>
   <translation>没有数据集 '{source}'</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>there is no display to open a window on</source>
   <translation>没有可打开窗口的显示器</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>there is no file '{file}'</source>
   <translation>没有文件 '{file}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>there is no file '{name}'</source>
   <translation>没有文件 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>there is no file '{source}'</source>
   <translation>没有文件 '{source}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>there is no file or folder '{missing}'</source>
   <translation>没有文件或文件夹 '{missing}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>there is no initialiser '{name}'</source>
   <translation>没有初始化方法 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>there is no layer '{layer}'</source>
   <translation>没有层 '{layer}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>there is no model '{model_id}'</source>
   <translation>没有模型 '{model_id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>there is no network '{name}' to install</source>
   <translation>没有可安装的网络 '{name}'</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/fitness.py" />
   <source>there is no picture of {count:,} classes to learn from: {names}</source>
   <extracomment>Where the count is one, English says: there is no picture of {names} to learn from</extracomment>
   <translation>
    <numerusform>{count:,} 个类别没有可用于学习的图片：{names}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no picture to suggest anything for</source>
   <translation>没有可为之建议的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no picture without a label</source>
   <translation>没有不带标签的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>there is no preset '{preset_id}'</source>
   <translation>没有预设 '{preset_id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>there is no project '{project_id}'</source>
   <translation>没有项目 '{project_id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>there is no project '{wanted}'</source>
   <translation>没有项目 '{wanted}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>there is no project yet; 'fovea teach create NAME PICTURES' makes one</source>
   <translation>还没有项目；'fovea teach create NAME PICTURES' 可创建一个</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there is no run '{run_id}'</source>
   <translation>没有训练 '{run_id}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>there is no run to take up</source>
   <translation>没有可继续的训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>there is no search '{name}'</source>
   <translation>没有搜索 '{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>there is no setting '{where}{name}'</source>
   <translation>没有设置 '{where}{name}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>there is no such command in the log</source>
   <translation>日志中没有这样的命令</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>there is no such file</source>
   <translation>没有这样的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>there is no translation into '{language}'</source>
   <translation>没有 '{language}' 的翻译</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>there is none</source>
   <translation>没有</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>there is not enough memory for a domain gate</source>
   <translation>内存不足以做图片类型检查</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>there is not enough memory for this picture</source>
   <translation>内存不足以处理此图片</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>there is not enough memory for this search</source>
   <translation>内存不足以进行此搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>there is not enough memory for this training</source>
   <translation>内存不足以进行此训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>there is not enough memory for this training ({problem})</source>
   <translation>内存不足以进行此训练（{problem}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is nothing to suggest yet: {waiting_for} needed</source>
   <translation>还没有可建议的：需要 {waiting_for}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>there is nothing to take back</source>
   <translation>没有可撤回的</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>there is nothing to try</source>
   <translation>没有可尝试的</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>there is nothing to {command}</source>
   <translation>没有可 {command} 的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>there is one class only, '{classes}': a classifier needs two or more</source>
   <translation>只有一个类别 '{classes}'：分类器需要两个或更多</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>there is something called '{name}' in that folder</source>
   <translation>该文件夹中已有名为 '{name}' 的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>these weights do not fit the network: {what}</source>
   <translation>这些权重与网络不符：{what}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/imagenet.py" />
   <source>these weights do not fit {name}: {split}</source>
   <translation>这些权重与 {name} 不符：{split}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in blanks only</source>
   <translation>它们仅空格不同</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in letters that look alike</source>
   <translation>它们的差异仅在于外形相似的字母</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in upper and lower case only</source>
   <translation>它们仅大小写不同</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>thick strokes were thinned (width {width:.1f} of {box})</source>
   <translation>粗笔画已变细（宽度 {width:.1f} / {box}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>thicker and thinner ink</source>
   <translation>笔迹变粗和变细</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>thin strokes were thickened (width {width:.1f} of {box})</source>
   <translation>细笔画已变粗（宽度 {width:.1f} / {box}）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>this class is not in the project any more</source>
   <translation>该类别已不在项目中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>this data has no test split</source>
   <translation>此数据没有测试集</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>this data has none</source>
   <translation>此数据没有</translation>
  </message>
  <message>
   <location filename="../../desktop/services/model_jobs.py" />
   <source>this did not work: {name}: {error}</source>
   <translation>操作失败：{name}：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>this edition does not train</source>
   <translation>此版本不能训练</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>this edition of Fovea comes without TensorFlow</source>
   <translation>此版本的 Fovea 不带 TensorFlow</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation is not kept</source>
   <translation>此评估未保存</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation is not kept any more</source>
   <translation>此评估已不再保存</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation was not moved: {reason}</source>
   <translation>此评估未移动：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>this export</source>
   <translation>此导出</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>this installation comes without the samples '{kind}'</source>
   <translation>此安装不带示例 '{kind}'</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>this installation has no Optuna</source>
   <translation>此安装没有 Optuna</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>this is a SavedModel: it holds a program, not a list of layers, and a program cannot be checked</source>
   <translation>这是 SavedModel：它含有程序而不是层的列表，而程序无法检查</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is a folder</source>
   <translation>这是文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>this is no HDF5 file</source>
   <translation>这不是 HDF5 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>this is no LiteRT file (.tflite)</source>
   <translation>这不是 LiteRT 文件（.tflite）</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>this is no address of an update file; one begins with https:// and names no user</source>
   <translation>这不是更新文件的地址；这样的地址以 https:// 开头，且不含用户名</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>this is no deleted model</source>
   <translation>这不是已删除的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/events.py" />
   <source>this is no event of a training</source>
   <translation>这不是训练的事件</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>this is no file of PyTorch weights in the expected form: {words}</source>
   <translation>这不是预期形式的 PyTorch 权重文件：{words}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is no file of a network</source>
   <translation>这不是网络文件</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>this is not the published file: {name} {got} found, {lower} expected ({size:,} bytes)</source>
   <translation>这不是所发布的文件：得到的 {name} 为 {got}，预期为 {lower}（{size:,} 字节）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is {refused_endings}</source>
   <translation>这是 {refused_endings}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this kept evaluation is damaged</source>
   <translation>此保存的评估已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>this model does not end in softmax scores; its training cannot go on</source>
   <translation>此模型不以 softmax 得分结束；无法继续其训练</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>this picture is not in the project any more</source>
   <translation>该图片已不在项目中</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>this picture was not looked at yet</source>
   <translation>此图片还没有查看</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project is damaged: it has no tables</source>
   <translation>此项目已损坏：没有数据表</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>this project is not in the trash any more</source>
   <translation>此项目已不在回收站中</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project is not there any more</source>
   <translation>此项目已不存在</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project was written by a newer Fovea</source>
   <translation>此项目由较新的 Fovea 写入</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>this run is being trained by another process</source>
   <translation>这项训练正由另一个进程进行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>those in the trash instead</source>
   <translation>改为回收站中的</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>threshold used</source>
   <translation>所用阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>too few usable resamples for an interval</source>
   <translation>可用的重抽样太少，无法得出区间</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>top score</source>
   <extracomment>Axis of a plot: the highest score of an answer.</extracomment>
   <translation>最高得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>traces of JPEG</source>
   <translation>JPEG 痕迹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>train a classifier</source>
   <translation>训练分类器</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>train: a small net trained now on drawn shapes</source>
   <translation>train：现在用绘制的形状训练的小网络</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>train: the run to look at (default: none)</source>
   <translation>train：要查看的训练（默认：无）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>trained; taking it up makes its model</source>
   <translation>已训练；继续它即可制作其模型</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>training needs {package}, which is not part of this installation</source>
   <translation>训练需要 {package}，而此安装不含它</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>training plan: {found}</source>
   <translation>训练方案：{found}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw exact copies of {doubled:,} of them</source>
   <translation>训练见过其中 {doubled:,} 张的完全副本</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw none of their persons</source>
   <translation>训练没有见过其中的任何人</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw none of their pictures</source>
   <translation>训练没有见过其中的任何图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw other pictures of {shared:,} of their persons or cases</source>
   <translation>训练见过其中 {shared:,} 个人或病例的其他图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>trainings of each (default: 3)</source>
   <translation>每个的训练次数（默认：3）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>transparent parts shown on white</source>
   <translation>透明部分以白色显示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>trial {number} of {wanted}: {value}  ({state})  {chosen}</source>
   <translation>试验 {number} / {wanted}：{value}  ({state})  {chosen}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>trial {number}: epoch {epoch}/{epochs}  validation {val_accuracy:.4f}</source>
   <translation>试验 {number}：第 {epoch}/{epochs} 轮  验证 {val_accuracy:.4f}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>true or false</source>
   <translation>真或假</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>truth</source>
   <translation>真实类别</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>truth {label} {score:.3f}</source>
   <translation>真实类别 {label} {score:.3f}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>truth ↓ answer →</source>
   <translation>真实类别 ↓ 答案 →</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>try many settings of a training and see which won</source>
   <translation>尝试训练的多种设置，查看哪种最好</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>turned upright (EXIF orientation {orientation})</source>
   <translation>已转正（EXIF 方向 {orientation}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>two labels are alike</source>
   <translation>有两个标签相同</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>two labels: the score from which on the positive one is answered</source>
   <translation>两个标签：得分达到此值起答为阳性</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>two numbers {within}, the smaller first</source>
   <translation>两个数字，{within}，较小的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>unfreeze and head_epochs must be at least 0, and head_rate above 0</source>
   <translation>unfreeze 和 head_epochs 必须不小于 0，head_rate 大于 0</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>unusual shape {width}×{height}</source>
   <translation>不寻常的形状 {width}×{height}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>usage: fovea COMMAND …      (without a command: the window)</source>
   <translation>用法：fovea COMMAND …      （不带命令：打开窗口）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>validation holds no picture of '{label}': nothing is measured of it</source>
   <translation>验证集没有 '{label}' 的图片：它没有任何测量</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>validation loss</source>
   <translation>验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>validation {validation} found; expected a fraction between 0 and 0.9</source>
   <translation>validation 为 {validation}；预期为 0 与 0.9 之间的分数</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>values that are no numbers shown as the darkest or brightest</source>
   <translation>不是数字的值以最暗或最亮显示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>values to try</source>
   <translation>要尝试的值</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>version {version} of the package '{distribution}' is installed; {version2} expected</source>
   <translation>已安装软件包 '{distribution}' 的版本 {version}；预期为 {version2}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>viewer</source>
   <extracomment>The small edition of the program, which does not train.</extracomment>
   <translation>查看版</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>weights file sha256 {sha256}, md5 {md5}: {origin}</source>
   <translation>权重文件 sha256 {sha256}，md5 {md5}：{origin}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>what</source>
   <translation>操作</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>what 'delete' printed (default: list what is in the trash)</source>
   <translation>'delete' 所输出的内容（默认：列出回收站的内容）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>what is still to come</source>
   <translation>尚未到达的部分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>what it is</source>
   <translation>是什么</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what it was trained on, for its card</source>
   <translation>它的训练数据，用于卡片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what its last layer gives</source>
   <translation>其最后一层给出什么</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>what lies at this address is no update file of Fovea</source>
   <translation>此地址处的内容不是 Fovea 的更新文件</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar.py" />
   <source>what looks at the pictures stopped ({reason})</source>
   <translation>查看图片的部分已停止（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_client.py" />
   <source>what reads the camera stopped ({reason})</source>
   <translation>读取摄像头的部分已停止（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what the file does not say, and nobody guesses</source>
   <translation>文件没有说明，也不能猜测的内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>what the model is called</source>
   <translation>模型的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what the model is to be called</source>
   <translation>模型的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>what the network computes of some pictures is infinite or no number</source>
   <translation>网络对某些图片的计算结果为无穷大或不是数字</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>what the search is called</source>
   <translation>搜索的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>what the study is called</source>
   <translation>研究的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>what the table's names are relative to</source>
   <translation>表格中名称所相对的位置</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>what to train (one of these; default: what suits the pictures)</source>
   <translation>训练什么（以下之一；默认：适合图片的）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>what was prepared of the pictures</source>
   <translation>图片的预处理结果</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>what was said of labels</source>
   <translation>对标签的判断</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>what you said of this label is not kept: the evaluation was stopped before the data was known</source>
   <translation>你对此标签的判断不会保留：评估在数据明确之前已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>when</source>
   <translation>时间</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>where the folders of the answers are to be</source>
   <translation>答案文件夹放在哪里</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/samples.py" />
   <source>where the new folder is made</source>
   <translation>在哪里创建新文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>which class (default: the model's answer)</source>
   <translation>哪个类别（默认：模型的答案）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>which class means which label</source>
   <translation>哪个类别指哪个标签</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>which of the data's splits; 'all' for all of them</source>
   <translation>数据的哪个数据划分；'all' 为全部</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>which ones first (default: the surest)</source>
   <translation>哪些在前（默认：最确定的）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/samples.py" />
   <source>which samples (see below)</source>
   <translation>哪些示例（见下）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>which view</source>
   <translation>哪个视图</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>window of the file: centre {centre:g}, width {width:g}</source>
   <translation>文件自带的窗：窗位 {centre:g}，窗宽 {width:g}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>with --camera: end after so many answers</source>
   <translation>带 --camera：给出这么多答案后结束</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>with --from the pictures are prepared as '{start}' takes them</source>
   <translation>带 --from 时，图片按 '{start}' 的要求预处理</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>with --from: take another file than the published one, if it has this hash</source>
   <translation>与 --from 一起：若文件有此哈希值，则采用它而非所发布的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>with Keras</source>
   <translation>随 Keras 提供</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>wizard: the starting point (default: recommended)</source>
   <translation>wizard：起点（默认：推荐的）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>wizard: which page (default: 1)</source>
   <translation>wizard：哪一页（默认：1）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>write a model for other programs, with a certificate of its answers</source>
   <translation>为其他程序写出模型，附其答案的证书</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>write beside each file which number is which picture; not to be handed on</source>
   <translation>在每个文件旁写明哪个编号是哪张图片；不可转交</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>write the plan to FILE and train nothing</source>
   <translation>将方案写入 FILE，不训练任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>write them there instead</source>
   <translation>改写到那里</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>writing ONNX needs the package {name}, which is not part of this installation</source>
   <translation>写出 ONNX 需要软件包 {name}，而此安装不含它</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>writing the model</source>
   <translation>正在写入模型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{answered:,} answered, {failed:,} failed</source>
   <translation>已回答 {answered:,}，失败 {failed:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{answered:,} answered, {failed:,} failed …</source>
   <translation>已回答 {answered:,}，失败 {failed:,} …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict_camera.py" />
   <source>{answered:,} frames answered, {failed:,} failed</source>
   <translation>已回答 {answered:,} 帧，失败 {failed:,} 帧</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{bits_stored}-bit, windowed {describe}</source>
   <translation>{bits_stored} 位，加窗 {describe}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits} bits a channel, the upper 8 used</source>
   <translation>每通道 {bits} 位，使用高 8 位</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits}-bit floating point, windowed {window}</source>
   <translation>{bits} 位浮点，加窗 {window}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits}-bit, windowed {window}</source>
   <translation>{bits} 位，加窗 {window}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>{broken:,} pictures do not open and take no part</source>
   <translation>{broken:,} 张图片无法打开，不参与</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{card} says {percent} on {card_n:,}</source>
   <translation>{card}给出 {percent}，基于 {card_n:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,}</source>
   <translation>{count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,} (listed below, not counted)</source>
   <translation>{count:,}（列于下方，未计入）</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,} (stopped early: not all of the data)</source>
   <translation>{count:,}（提前停止：不是全部数据）</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{count:,} bytes found, at most {most_bytes:,} expected</source>
   <translation>有 {count:,} 字节，预期最多 {most_bytes:,}</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{count:,} classes ({names}) hold a single picture: it cannot be both learnt from and checked with</source>
   <extracomment>Where the count is one, English says: class {names} holds a single picture: it cannot be both learnt from and checked with</extracomment>
   <translation>
    <numerusform>{count:,} 个类别（{names}）只有一张图片：不能既用于学习又用于检查</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>{count:,} classes are called like a patient in the headers of the DICOM files: a model keeps the names of its classes</source>
   <extracomment>Where the count is one, English says: a class is called like a patient in the headers of the DICOM files: a model keeps the names of its classes</extracomment>
   <translation>
    <numerusform>{count:,} 个类别的名称与 DICOM 文件头信息中某位患者的姓名相同：模型会保留其类别名称</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{count:,} classes hold no pictures: {names}</source>
   <extracomment>Where the count is one, English says: class {names} holds no pictures</extracomment>
   <translation>
    <numerusform>{count:,} 个类别没有图片：{names}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} classified …</source>
   <translation>已分类 {count:,} …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} copied</source>
   <translation>已复制 {count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} files found, at most {most_files} expected</source>
   <translation>有 {count:,} 个文件，预期最多 {most_files}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} files without a suffix</source>
   <translation>{count:,} 个没有扩展名的文件</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} folders ({names}) beside the splits: not read</source>
   <extracomment>Where the count is one, English says: folder {names} beside the splits: not read</extracomment>
   <translation>
    <numerusform>数据划分旁的 {count:,} 个文件夹（{names}）：未读取</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{count:,} groups of nearly the same pictures: each stays on one side of the split (--exact: do not look)</source>
   <extracomment>Where the count is one, English says: one group of nearly the same pictures: it stays on one side of the split (--exact: do not look)</extracomment>
   <translation>
    <numerusform>几乎相同的图片共 {count:,} 组：每组留在数据划分的同一侧（--exact：不查找）</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} hidden files</source>
   <translation>{count:,} 个隐藏文件</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} images, split '{split}'; {day}; made by Fovea</source>
   <translation>{count:,} 张图片，数据划分 '{split}'；{day}；由 Fovea 制作</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{count:,} images, {elapsed_s:.1f} s on {value}</source>
   <translation>{count:,} 张图片，{elapsed_s:.1f} 秒，{value}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} images; {day}; made by Fovea</source>
   <translation>{count:,} 张图片；{day}；由 Fovea 制作</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} left</source>
   <translation>未处理 {count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} metrics found, at most {most_metrics} expected</source>
   <translation>有 {count:,} 个指标，预期最多 {most_metrics}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} moved</source>
   <translation>已移动 {count:,}</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>{count:,} of the {whole:,} files that it names are not there.</source>
   <extracomment>Where the count is one, English says: {count:,} of the {whole:,} files that it names is not there.</extracomment>
   <translation>
    <numerusform>它列出的 {whole:,} 个文件中有 {count:,} 个不存在。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{count:,} of {count2:,} pictures to {purpose} with are exact copies of pictures that are learnt from: the figures promise too much</source>
   <translation>{count2:,} 张用于 {purpose} 的图片中，有 {count:,} 张是用于学习的图片的完全副本：指标会过于乐观</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} of {total:,}</source>
   <translation>{count:,} / {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>{count:,} of {total:,} names of files read like a person's name, or hold a patient's: numbers stand in place of these{title}. The others are written as they are.</source>
   <translation>{total:,} 个文件名中有 {count:,} 个像人名或含有患者姓名：这些{title}以编号代替。其余按原样写出。</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/figures/result.py" />
   <source>{count:,} of {total:,} pictures have no answer and count in no figure: figures are of the {answered:,} others alone. {said}</source>
   <extracomment>Where the count is one, English says: {count:,} of {total:,} pictures has no answer and counts in no figure: figures are of the {answered:,} others alone. {said}</extracomment>
   <translation>
    <numerusform>{total:,} 张图片中有 {count:,} 张没有答案，不计入任何指标：指标仅基于其余 {answered:,} 张。{said}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{count:,} of {total:,} pictures of '{labels}' are to check with, about {wanted:,.0f} were asked for: what belongs together stays on one side</source>
   <translation>'{labels}' 的 {total:,} 张图片中有 {count:,} 张用于检查，要求的是约 {wanted:,.0f} 张：属于一体的图片留在同一侧</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are in printing colours (CMYK) and are converted</source>
   <extracomment>Where the count is one, English says: {count:,} picture is in printing colours (CMYK) and is converted</extracomment>
   <translation>
    <numerusform>{count:,} 张图片采用印刷色 (CMYK)，将被转换</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{count:,} pictures are left out: broken, there twice, or in several classes ('fovea data inspect' lists them)</source>
   <extracomment>Where the count is one, English says: one picture is left out: broken, there twice, or in several classes ('fovea data inspect' lists it)</extracomment>
   <translation>
    <numerusform>略去 {count:,} 张图片：已损坏、重复，或出现在多个类别中（'fovea data inspect' 列出它们）</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are stored inverted and are turned over</source>
   <extracomment>Where the count is one, English says: {count:,} picture is stored inverted and is turned over</extracomment>
   <translation>
    <numerusform>{count:,} 张图片以反相存储，将被翻转</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are very large and are read at a reduced size</source>
   <extracomment>Where the count is one, English says: {count:,} picture is very large and is read at a reduced size</extracomment>
   <translation>
    <numerusform>{count:,} 张图片非常大，以缩小的尺寸读取</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have a window of their own that shows nothing of them; it is left aside</source>
   <extracomment>Where the count is one, English says: {count:,} picture has a window of its own that shows nothing of it; it is left aside</extracomment>
   <translation>
    <numerusform>{count:,} 张图片自带的窗无法显示其内容；不采用该窗</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more bands than are shown</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more bands than are shown</extracomment>
   <translation>
    <numerusform>{count:,} 张图片的波段多于显示的</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more than 8 bits and are reduced to 8</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more than 8 bits and is reduced to 8</extracomment>
   <translation>
    <numerusform>{count:,} 张图片超过 8 位，将缩减为 8 位</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more than 8 bits and are windowed to 8</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more than 8 bits and is windowed to 8</extracomment>
   <translation>
    <numerusform>{count:,} 张图片超过 8 位，将加窗为 8 位</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have no label in it and were not counted</source>
   <extracomment>Where the count is one, English says: {count:,} picture has no label in it and was not counted</extracomment>
   <translation>
    <numerusform>{count:,} 张图片在其中没有标签，未计入</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have pixels without data, which are black</source>
   <extracomment>Where the count is one, English says: {count:,} picture has pixels without data, which are black</extracomment>
   <translation>
    <numerusform>{count:,} 张图片有无数据的像素，这些像素为黑色</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have several frames: the first one is used</source>
   <extracomment>Where the count is one, English says: {count:,} picture has several frames: the first one is used</extracomment>
   <translation>
    <numerusform>{count:,} 张图片有多帧：使用第一帧</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have several labels in it and were not counted</source>
   <extracomment>Where the count is one, English says: {count:,} picture has several labels in it and was not counted</extracomment>
   <translation>
    <numerusform>{count:,} 张图片在其中有多个标签，未计入</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have several labels in one cell ('{label}'): each combination counts as a class of its own</source>
   <extracomment>Where the count is one, English says: a picture has several labels in its cell ('{label}'): each combination counts as a class of its own</extracomment>
   <translation>
    <numerusform>{count:,} 张图片在一个单元格中有多个标签（'{label}'）：每种组合视为单独的类别</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have transparent parts, which are laid on white</source>
   <extracomment>Where the count is one, English says: {count:,} picture has transparent parts, which are laid on white</extracomment>
   <translation>
    <numerusform>{count:,} 张图片有透明部分，将铺在白色上</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures lack their end marks, nothing else</source>
   <extracomment>Where the count is one, English says: {count:,} picture lacks its end mark, nothing else</extracomment>
   <translation>
    <numerusform>{count:,} 张图片缺少结束标记，其余完好</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures lie on their side and are turned upright</source>
   <extracomment>Where the count is one, English says: {count:,} picture lies on its side and is turned upright</extracomment>
   <translation>
    <numerusform>{count:,} 张图片是横放的，将被转正</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} pictures that are called like the masks of others ('{name}') were left out; if they are pictures of their own, confirm that with the layout 'folders'</source>
   <extracomment>Where the count is one, English says: a picture that is called like the mask of another ('{name}') was left out; if it is a picture of its own, confirm that with the layout 'folders'</extracomment>
   <translation>
    <numerusform>{count:,} 张图片的名称像其他图片的掩膜（'{name}'），已略去；如果它们是独立的图片，请用布局 'folders' 确认</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} renamed</source>
   <translation>已重命名 {count:,}</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} rows of the table name pictures that are not there</source>
   <extracomment>Where the count is one, English says: {count:,} row of the table names a picture that is not there</extracomment>
   <translation>
    <numerusform>表格中有 {count:,} 行列出的图片不存在</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>{count:,} suggestions were taken; 'fovea teach undo {id}' takes them back</source>
   <translation>采纳了 {count:,} 条建议；'fovea teach undo {id}' 可撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} system files</source>
   <translation>{count:,} 个系统文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} taken back</source>
   <translation>已撤回 {count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} versions found, at most {most_versions} expected</source>
   <translation>有 {count:,} 个版本，预期最多 {most_versions}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} {suffix} files</source>
   <translation>{count:,} 个 {suffix} 文件</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,}, by file names or DICOM patient numbers</source>
   <translation>{count:,}，依据文件名或 DICOM 患者编号</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{counts} and {count} more classes with {sum} pictures</source>
   <translation>{counts}，另有 {count} 个类别共 {sum} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{count} classes found for {count2} labels</source>
   <translation>{count2} 个标签有 {count} 个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} cutoffs of answer sets found; one from 0 to 1 for each of {count2} rates</source>
   <translation>可能答案集合有 {count} 个界值；预期为 {count2} 个错误率各有一个 0 至 1 的界值</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/cli/models.py" />
   <source>{count} files as they should be</source>
   <extracomment>Where the count is one, English says: {count} file as it should be</extracomment>
   <translation>
    <numerusform>{count} 个文件正常</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>{count} halvings leave nothing of {shape}×{shape2} pixels</source>
   <translation>减半 {count} 次后，{shape}×{shape2} 像素便一无所剩</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} label ids found for {count2} labels</source>
   <translation>{count2} 个标签有 {count} 个标签标识</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} labels found, 2 to {max_classes} expected</source>
   <translation>有 {count} 个标签，预期为 2 至 {max_classes} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{count} labels found, at least 2 expected</source>
   <translation>有 {count} 个标签，预期至少 2 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>{count} labels found; 2 to {most_classes:,} expected</source>
   <translation>有 {count} 个标签；预期为 2 至 {most_classes:,} 个</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/label_map.py" />
   <source>{count} of the data's classes are no label of the model: {unmatched}. Data: {classes}. Model: {labels}</source>
   <extracomment>Where the count is one, English says: {count} of the data's classes is no label of the model: {unmatched}. Data: {classes}. Model: {labels}</extracomment>
   <translation>
    <numerusform>数据的类别中有 {count} 个不是模型的标签：{unmatched}。数据：{classes}。模型：{labels}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{count} pieces of ink stand apart, and the model reads one digit</source>
   <translation>有 {count} 块分开的笔迹，而模型只识别一个数字</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{count} pieces of ink, and no more than {most} are read: the answer is for one of them at most</source>
   <translation>有 {count} 块笔迹，而最多识别 {most} 块：答案至多针对其中一块</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>{count} projects are called '{wanted}': {ids}</source>
   <translation>有 {count} 个项目名为 '{wanted}'：{ids}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} quantiles of the domain gate found; {quantiles} in rising order expected</source>
   <translation>图片类型检查有 {count} 个分位数；预期为 {quantiles} 个，递增排列</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{count} scores found, {count2} expected</source>
   <translation>有 {count} 个得分，预期为 {count2} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{count} stored answers repeated, largest difference {worst:.1g}; the engine answers</source>
   <translation>重复了 {count} 个已存答案，最大差异 {worst:.1g}；引擎能回答</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>{count} tables ('{place}' …)</source>
   <extracomment>Where the count is one, English says: the table '{place}'</extracomment>
   <translation>
    <numerusform>{count} 个表格（'{place}' …）</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>{count} training and {count2} validation pictures are too few for a domain gate</source>
   <translation>{count} 张训练图片和 {count2} 张验证图片对图片类型检查来说太少</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{cycles} cycles found; expected 1 to 20</source>
   <translation>cycles 为 {cycles}；预期为 1 至 20</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{done:.1f} of {total:.1f} MB, {rate:.1f} MB/s</source>
   <translation>{done:.1f} / {total:.1f} MB，{rate:.1f} MB/秒</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{done:.1f} of {total:.1f} MB, {rate:.1f} MB/s, {left} left</source>
   <translation>{done:.1f} / {total:.1f} MB，{rate:.1f} MB/秒，剩余 {left}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{done} of {total}</source>
   <translation>{done} / {total}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>{done} of {total} parts covered …</source>
   <translation>已遮盖 {done} / {total} 个部分 …</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{error}; the damaged file could not be put aside</source>
   <translation>{error}；损坏的文件无法移到一旁</translation>
  </message>
  <message>
   <location filename="../../desktop/system/words.py" />
   <source>{first} {then}</source>
   <translation>{first} {then}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{flavour}, {frozen}, Python {python_version}, Qt {qversion}</source>
   <translation>{flavour}，{frozen}，Python {python_version}，Qt {qversion}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{form} cannot be written: a library is missing</source>
   <translation>无法写入 {form}：缺少库</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>{found:,} pictures were found again, {missing:,} are missing still, {replaced:,} hold another picture now</source>
   <translation>重新找到 {found:,} 张图片，仍缺 {missing:,} 张，{replaced:,} 张现在是另一张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>{found} in '{title}'. {lines}</source>
   <translation>在 '{title}' 中{found}。{lines}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{get} numbers of {bits} bits</source>
   <translation>{bits} 位的 {get} 数字</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{get} of {bits} bits</source>
   <translation>{bits} 位的 {get}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>{gone:,} are missing and {new:,} are new</source>
   <translation>缺少 {gone:,} 张，新增 {new:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{head_epochs} epochs for the head found; expected fewer than the {epochs} in all</source>
   <translation>分类头的轮数为 {head_epochs}；预期少于总共的 {epochs} 轮</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>{hint} Where the numbers are the model's own label numbers: --map-numbers.</source>
   <translation>{hint} 若数字就是模型自己的标签编号：--map-numbers。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>{hint} {more}</source>
   <translation>{hint} {more}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>{hint}, or by itself: pip install {wanted}. Models that are there work without it.</source>
   <translation>{hint}，或单独安装：pip install {wanted}。现有的模型没有它也能使用。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>{hits:,} of {n:,} ({value})</source>
   <translation>{hits:,} / {n:,}（{value}）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{hits:,} of {n:,} images</source>
   <translation>{n:,} 张图片中的 {hits:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{hits:,} of {n:,} images ({percent}, 95 % interval {span})</source>
   <translation>{n:,} 张图片中的 {hits:,} 张（{percent}，95 % 区间 {span}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>{hits} of {n}</source>
   <translation>{hits} / {n}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>{hits} of {n}: too few for a figure</source>
   <translation>{hits} / {n}：太少，无法给出指标</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} answers {code} ({reason})</source>
   <translation>{host} 回应 {code}（{reason}）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} has a file of {total:,} bytes; {about}{wanted:,} expected</source>
   <translation>{host} 的文件为 {total:,} 字节；预期为 {about}{wanted:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} has another file now</source>
   <translation>{host} 现在的文件不同了</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} has not sent anything for a while</source>
   <translation>{host} 已有一段时间没有发送任何内容</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} points to an address that is not safe</source>
   <translation>{host} 指向不安全的地址</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sends more than the {total:,} bytes expected</source>
   <translation>{host} 发送的内容多于预期的 {total:,} 字节</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent a web page instead of the file</source>
   <translation>{host} 发送的是网页而不是文件</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent another part, or of another file</source>
   <translation>{host} 发送的是另一部分，或另一个文件的部分</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent something that is no file of weights (HDF5)</source>
   <translation>{host} 发送的不是权重文件 (HDF5)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} was not found: this computer seems to be offline</source>
   <translation>未找到 {host}：这台计算机似乎处于离线状态</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{id} is back</source>
   <translation>{id} 已恢复</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{itemsize}-bit, windowed {describe}</source>
   <translation>{itemsize} 位，加窗 {describe}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{key}: {text} found, 'on' or 'none' expected</source>
   <translation>{key}：为 {text}，预期为 'on' 或 'none'</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{kind_of} found, a list of texts expected</source>
   <translation>为 {kind_of}，预期为文本列表</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{kind_of} found, an object expected</source>
   <translation>为 {kind_of}，预期为对象</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>{label} is the class, # stands for digits, * for anything: for instance names:{label}_#.</source>
   <translation>{label} 是类别，# 代表数字，* 代表任意内容：例如 names:{label}_#。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{learned} training pictures of '{title}' ({counts}); cross-validated.</source>
   <translation>“{title}”的 {learned} 张训练图片（{counts}）；经交叉验证。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{learned} training pictures of '{title}' ({counts}); {held} for validation.</source>
   <translation>“{title}”的 {learned} 张训练图片（{counts}）；{held} 张用于验证。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{least} to {largest}, in the middle {middle}</source>
   <translation>{least} 至 {largest}，中位 {middle}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{loose:,} pictures lie beside the class folders: they have no class and were not counted</source>
   <translation>{loose:,} 张图片位于类别文件夹旁：它们没有类别，未计入</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{low:.2f} to {high:.2f}</source>
   <translation>{low:.2f} 至 {high:.2f}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>{low} to {high}{unit}, n = {n:,}</source>
   <translation>{low} 至 {high}{unit}，n = {n:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{matrix} of {total} pictures of '{labels}' were called '{labels2}'.</source>
   <translation>“{labels}”的 {total} 张图片中有 {matrix} 张被答为“{labels2}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{message}; trying again</source>
   <translation>{message}；正在重试</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{model} up to {value}, then {own}</source>
   <translation>{model}，直至 {value}，然后 {own}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{moment} UTC, took {seconds:.1f} s</source>
   <translation>{moment} UTC，用时 {seconds:.1f} 秒</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{names}</source>
   <translation>{names}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{names} and {count} more</source>
   <translation>{names} 等（另有 {count} 个）</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{names} and {rest:,} more</source>
   <translation>{names} 以及另外 {rest:,} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to learn from: merge them, or take one away</source>
   <translation>{names} 的名称都像用于学习的图片：请合并它们，或去掉一个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to test with: merge them, or take one away</source>
   <translation>{names} 的名称都像用于测试的图片：请合并它们，或去掉一个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to validate with: merge them, or take one away</source>
   <translation>{names} 的名称都像用于验证的图片：请合并它们，或去掉一个</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{names} lie there: if the labels are in one of them, save it as a CSV table with a column of file names.</source>
   <extracomment>Where the count is one, English says: {names} lies there: if the labels are in it, save it as a CSV table with a column of file names.</extracomment>
   <translation>
    <numerusform>那里有 {names}：如果标签在其中之一，请将其另存为带文件名列的 CSV 表格。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{name} ({id}) on '{title}'</source>
   <translation>{name}（{id}），数据 '{title}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{name} ({id}) on '{title}', split '{split}'</source>
   <translation>{name}（{id}），数据 '{title}'，子集 '{split}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>{name} ({id}, version {version})</source>
   <translation>{name} ({id}，版本 {version})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name} cannot be opened as a video: it is damaged, or of a kind that Fovea does not read</source>
   <translation>{name} 无法作为视频打开：它已损坏，或是 Fovea 不能读取的类型</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name} does not answer</source>
   <translation>{name} 没有响应</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name} gives no moving pictures</source>
   <translation>{name} 没有给出活动画面</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} has schema {found}; {schema} expected</source>
   <translation>{name} 的模式为 {found}；预期为 {schema}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>{name} has {count} numbers for {shape} channels</source>
   <translation>{name} 有 {count} 个数字，而通道有 {shape} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} holds more than {most_points} points</source>
   <translation>{name} 含有超过 {most_points} 个点</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} holds no list of at most {most_strokes} strokes</source>
   <translation>{name} 不含至多 {most_strokes} 笔的列表</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} is no drawing of Fovea</source>
   <translation>{name} 不是 Fovea 的绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} is no drawing: {error}</source>
   <translation>{name} 不是绘图：{error}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>{name} was left out: {reason}</source>
   <translation>{name} 已略去：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name}, stroke {number}</source>
   <translation>{name}，第 {number} 笔</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: accuracy on test pictures</source>
   <translation>{name}：测试图片上的准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: accuracy on validation pictures</source>
   <translation>{name}：验证图片上的准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>{name}: ended by the system, perhaps for lack of memory</source>
   <translation>{name}：被系统结束，可能因内存不足</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name}: {reason}</source>
   <translation>{name}：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: {size:,} pictures, training {repeat} of {repeats}</source>
   <translation>{name}：{size:,} 张图片，第 {repeat} / {repeats} 次训练</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: {size:,} pictures: accuracy on test pictures {accuracy}</source>
   <translation>{name}：{size:,} 张图片：测试图片上的准确率 {accuracy}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: {size:,} pictures: accuracy on validation pictures {accuracy}</source>
   <translation>{name}：{size:,} 张图片：验证图片上的准确率 {accuracy}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{n} drawn digits measured; a report as HTML ({st_size:,} bytes) and as PDF</source>
   <translation>测量了 {n} 个绘制的数字；报告为 HTML（{st_size:,} 字节）和 PDF</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>{n} validation pictures set the limit of what is called foreign: about {refused:.0%} of other pictures of the model's own kind will be called so, or more</source>
   <translation>由 {n} 张验证图片设定视为陌生的界限：模型自身类型的其他图片中，约有 {refused:.0%} 或更多会被如此判定</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/result.py" />
   <source>{often:,} of these: {reason}.</source>
   <translation>其中 {often:,} 张：{reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: a copy of the only form that the model has: there is nothing to compare it with</source>
   <translation>{out}：模型唯一形式的副本：没有可比较的对象</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: answers differ by {difference:.1e} at most over {pictures} pictures</source>
   <translation>{out}：在 {pictures} 张图片上，答案最多相差 {difference:.1e}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: the whole model</source>
   <translation>{out}：整个模型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>{parameters} parameters on {device}; {train} training and {validation} validation pictures; {left}</source>
   <translation>{device} 上有 {parameters} 个参数；{train} 张训练图片和 {validation} 张验证图片；{left}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{place} ({kind})</source>
   <translation>{place} ({kind})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{place}, part {part} of {parts}</source>
   <translation>{place}，第 {part} 部分，共 {parts} 部分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{place}, {frame}</source>
   <translation>{place}，{frame}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>{reported} Fovea has not measured it.</source>
   <translation>{reported} Fovea 没有测量过它。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{run_id} is in the trash; 'fovea runs restore {tokens}' takes it out again</source>
   <translation>{run_id} 在回收站中；'fovea runs restore {tokens}' 可将其取出</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{samples} bands, {used} shown</source>
   <translation>{samples} 个波段，显示 {used}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{samples} channels where its colour model has {colours}</source>
   <translation>{samples} 个通道，而其颜色模型有 {colours} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{sentence}
Difference in accuracy: {value} ({bounds})</source>
   <translation>{sentence}
准确率之差：{value}（{bounds}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{shared:,} of {count:,} persons or cases to check with have pictures that are learnt from, as the data's own splits have it: the figures promise too much</source>
   <translation>用于检查的 {count:,} 个人或病例中，按数据自带的划分，有 {shared:,} 个的图片也用于学习：指标会过于乐观</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>{shown} … {count:,} in all</source>
   <translation>{shown} … 共 {count:,} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{sizes:,} pictures to learn from are asked for, and there are {there:,}</source>
   <translation>要求用于学习的图片为 {sizes:,} 张，而现有 {there:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size} to download</source>
   <translation>需下载 {size}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size}, here</source>
   <translation>{size}，已在此处</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size}: pip install {distribution}</source>
   <translation>{size}：pip install {distribution}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does better here, by {below:.3f} to {above:.3f}.</source>
   <translation>{start}；此处表现更好，高出 {below:.3f} 至 {above:.3f}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does better here, by {points} to {points2} percentage points.</source>
   <translation>{start}；此处表现更好，高出 {points} 至 {points2} 个百分点。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does worse here, by {points} to {points2} percentage points.</source>
   <translation>{start}；此处表现更差，低 {points} 至 {points2} 个百分点。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does worse here, by {value:.3f} to {value2:.3f}.</source>
   <translation>{start}；此处表现更差，低 {value:.3f} 至 {value2:.3f}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; more than chance explains: these differ from what it has learned from. They count in all figures here.</source>
   <translation>{start}；超出偶然所能解释的范围：这些图片与它学习所用的不同。它们计入此处的所有指标。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; that is no more than chance explains.</source>
   <translation>{start}；未超出偶然所能解释的范围。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; the two are compatible; {n:,} images cannot rule out that it is up to {points} percentage points worse.</source>
   <translation>{start}；二者相容；{n:,} 张图片不能排除最多差 {points} 个百分点。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; {few} or more images are needed for an answer.</source>
   <translation>{start}；需要 {few} 张或更多图片才能得出结论。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>{summary} It knows the 1,000 classes of the ImageNet challenge of 2012.</source>
   <translation>{summary} 它认识 2012 年 ImageNet 挑战赛的 1,000 个类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{text} is no number</source>
   <translation>{text} 不是数字</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{text}: '{which}' is better on these images ({p}, {test}).</source>
   <translation>{text}：'{which}' 在这些图片上更好（{p}，{test}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>{text}: expected {smallest} to {largest}x{largest}</source>
   <translation>{text}：预期为 {smallest} 至 {largest}x{largest}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{text}: no more than chance explains ({p}, {test}).</source>
   <translation>{text}：未超出偶然所能解释的范围（{p}，{test}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>{time} left</source>
   <translation>剩余 {time}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{title}: {total:,} pictures in {classes:,} classes</source>
   <translation>{title}：{total:,} 张图片，{classes:,} 个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{title}: {total:,} pictures in {classes:,} classes, {broken:,} more do not open</source>
   <translation>{title}：{total:,} 张图片，{classes:,} 个类别，另有 {broken:,} 张无法打开</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{tones:.0%} of the picture is neither paper nor ink: it is no drawing</source>
   <translation>图片的 {tones:.0%} 既非纸也非笔迹：它不是绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{train:,} to learn from, {validation:,} to check with, {left_out:,} left out</source>
   <translation>{train:,} 张用于学习，{validation:,} 张用于检查，略去 {left_out:,} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{truth} answered as {other}: of {total:,}</source>
   <translation>{truth} 被答为 {other}：共 {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{truth} answered as {other}: {share:.1%}</source>
   <translation>{truth} 被答为 {other}：{share:.1%}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{used} bits a channel, the upper 8 used</source>
   <translation>每通道 {used} 位，使用高 8 位</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{value:.1%} of the pixels hold no data, shown black</source>
   <translation>{value:.1%} 的像素没有数据，以黑色显示</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{value:.3f} of {n:,} images (95 % interval {low:.3f} to {high:.3f})</source>
   <translation>{value:.3f}，基于 {n:,} 张图片（95 % 区间 {low:.3f} 至 {high:.3f}）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{value} is missing</source>
   <translation>缺少 {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/export_litert.py" />
   <source>{value} is not part of this installation</source>
   <translation>此安装不含 {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{value}{unit} ({low} to {high})</source>
   <translation>{value}{unit}（{low} 至 {high}）</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{value}{unit} ({low} to {high}, n = {n:,})</source>
   <translation>{value}{unit}（{low} 至 {high}，n = {n:,}）</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>{wanted} pictures labelled since then are needed to compare old and new; there are {count}</source>
   <translation>比较新旧需要此后标注的 {wanted} 张图片；现有 {count} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{what} could not be read: {reason}</source>
   <translation>{what}无法读取：{reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{what} has {count:,} characters, at most {most:,} expected ('{text}…')</source>
   <translation>{what} 有 {count:,} 个字符，预期最多 {most:,}（'{text}…'）</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>{what} needs a name</source>
   <translation>{what}需要名称</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} takes {size_words}, and {size_words2} are kept in reserve; {disk} has {size_words3} free</source>
   <translation>{what}需要 {size_words}，另须保留 {size_words2}；{disk}可用 {size_words3}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {disk} is full</source>
   <translation>{what}未保存：{disk}已满</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {disk} may not be written to, or another program has the file open</source>
   <translation>{what}未保存：{disk}不可写入，或另一个程序打开了该文件</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {reason_of}</source>
   <translation>{what}未保存：{reason_of}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{what}: the file was damaged ({error}). It was kept as {name}.</source>
   <translation>{what}：文件已损坏（{error}）。已保留为 {name}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{what}: {done:,}</source>
   <translation>{what}：{done:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{what}: {done:,} of {total:,}</source>
   <translation>{what}：{done:,} / {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where} is not an object</source>
   <translation>{where} 不是对象</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: a number that is too large</source>
   <translation>{where}.{name}：数字过大</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: expected a list of numbers</source>
   <translation>{where}.{name}：应为数字列表</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: expected a list of texts</source>
   <translation>{where}.{name}：应为文本列表</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: {name2} found, {value} expected</source>
   <translation>{where}.{name}：为 {name2}，预期为 {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: a label {min}; expected 0 or more</source>
   <translation>{where}：标签 {min}；预期为 0 或更大</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: a width and a list of points expected</source>
   <translation>{where}：预期为宽度和点的列表</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: a width from {thinnest} to {widest} expected</source>
   <translation>{where}：预期宽度在 {thinnest} 至 {widest} 之间</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: expected a list, found {name}</source>
   <translation>{where}：预期为列表，得到 {name}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{where}: fields missing: {missing}</source>
   <translation>{where}：缺少字段：{missing}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{where}: fields missing: {missing}; unknown: {unknown}</source>
   <translation>{where}：缺少字段：{missing}；未知字段：{unknown}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{where}: fields unknown: {unknown}</source>
   <translation>{where}：未知字段：{unknown}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: labels of {dtype} {shape}; {expected}</source>
   <translation>{where}：标签为 {dtype} {shape}；{expected}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: pictures of {dtype} {shape}; {expected}</source>
   <translation>{where}：图片为 {dtype} {shape}；{expected}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: points of two or three numbers expected</source>
   <translation>{where}：预期每个点为两个或三个数字</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: points on the paper (0 to 1) and pressure 0 to 1 expected</source>
   <translation>{where}：预期点在纸面上（0 至 1），压力为 0 至 1</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {name} found, {words} expected</source>
   <translation>{where}：为 {name}，预期为 {words}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: {shape} labels for each picture; Fovea learns one class a picture</source>
   <translation>{where}：每张图片有 {shape} 个标签；Fovea 对每张图片只学习一个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {text} found, {words} expected</source>
   <translation>{where}：为 {text}，预期为 {words}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {value} found; expected one of {map}</source>
   <translation>{where}：为 {value}；预期为 {map} 之一</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>{width}×{height} pixels</source>
   <translation>{width}×{height} 像素</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{window}: nothing of the picture lies in it</source>
   <translation>{window}：图片没有任何内容落在其中</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>{words}: {total:,} pictures in {count:,} classes, {classes}. For instance {shown}.</source>
   <translation>{words}：{total:,} 张图片，{count:,} 个类别，{classes}。例如 {shown}。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>“{name}” is being trained by another process</source>
   <translation>“{name}”正由另一个进程训练</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>… and {count:,} more</source>
   <translation>… 以及另外 {count:,} 个</translation>
  </message>
  <message>
   <source> and {count} more</source>
   <translation type="vanished"> 以及另外 {count} 个</translation>
  </message>
  <message>
   <source> and {count} more classes with {sum} pictures</source>
   <translation type="vanished"> 以及另外 {count} 个类别，共 {sum} 张图片</translation>
  </message>
  <message>
   <source>&lt;!DOCTYPE html&gt;
&lt;html lang="$lang" dir="$dir"&gt;&lt;head&gt;&lt;meta charset="utf-8"&gt;
&lt;meta name="viewport" content="width=device-width, initial-scale=1"&gt;
&lt;meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"&gt;
&lt;title&gt;$title&lt;/title&gt;&lt;style&gt;$css&lt;/style&gt;&lt;/head&gt;&lt;body&gt;&lt;main&gt;
$body
&lt;/main&gt;&lt;/body&gt;&lt;/html&gt;
</source>
   <translation type="vanished">&lt;!DOCTYPE html&gt;
&lt;html lang="$lang" dir="$dir"&gt;&lt;head&gt;&lt;meta charset="utf-8"&gt;
&lt;meta name="viewport" content="width=device-width, initial-scale=1"&gt;
&lt;meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"&gt;
&lt;title&gt;$title&lt;/title&gt;&lt;style&gt;$css&lt;/style&gt;&lt;/head&gt;&lt;body&gt;&lt;main&gt;
$body
&lt;/main&gt;&lt;/body&gt;&lt;/html&gt;
</translation>
  </message>
  <message>
   <source>Frame {frame} was asked for; the file has {have}.</source>
   <translation type="vanished">要求的是第 {frame} 帧；文件有 {have}。</translation>
  </message>
  <message>
   <source>The DICOM holds {have:,} bytes of pixel data; its header ({columns}×{rows} pixels, {frames} frame{value}) asks for {need:,}.</source>
   <translation type="vanished">DICOM 含有 {have:,} 字节的像素数据；其头信息（{columns}×{rows} 像素，{frames} frame{value}）要求 {need:,} 字节。</translation>
  </message>
  <message>
   <source>The library that opens this format {how} ({detail}).</source>
   <translation type="vanished">打开此格式的库{how}（{detail}）。</translation>
  </message>
  <message>
   <source>The picture has {what} pixels; expected at most {max_pixels} million.</source>
   <translation type="vanished">图片有 {what} 像素；预期最多 {max_pixels} 百万。</translation>
  </message>
  <message>
   <source>accuracy on {split}, mean of {repeats} (least to most){of}</source>
   <translation type="vanished">{split} 上的准确率，{repeats} 次的平均（最低至最高）{of}</translation>
  </message>
  <message>
   <source>computing {words}</source>
   <translation type="vanished">计算方式：{words}</translation>
  </message>
  <message>
   <source>ended with an unexpected fault</source>
   <translation type="vanished">因意外故障而终止</translation>
  </message>
  <message>
   <source>far too many</source>
   <translation type="vanished">过多</translation>
  </message>
  <message>
   <source>has the shape {shape}</source>
   <translation type="vanished">的形状为 {shape}</translation>
  </message>
  <message>
   <source>in 32 bits: 16 would not be faster on this device</source>
   <translation type="vanished">以 32 位：在此设备上 16 位不会更快</translation>
  </message>
  <message>
   <source>one frame</source>
   <translation type="vanished">一帧</translation>
  </message>
  <message>
   <source>one group</source>
   <translation type="vanished">1 组</translation>
  </message>
  <message>
   <source>one picture is</source>
   <translation type="vanished">1 张图片</translation>
  </message>
  <message>
   <source>the start '{kind}' goes {which} a model</source>
   <translation type="vanished">起点 '{kind}' 与模型的搭配应为 {which}</translation>
  </message>
  <message>
   <source>the weight '{name}' of layer '{own}' {found}; {tuple} expected</source>
   <translation type="vanished">层 '{own}' 的权重 '{name}' {found}；预期为 {tuple}</translation>
  </message>
  <message>
   <source>there are only {which} images: no ROC curve</source>
   <translation type="vanished">只有 {which} 图片：没有 ROC 曲线</translation>
  </message>
  <message>
   <source>training saw none of their {which}</source>
   <translation type="vanished">训练没有见过其中的任何 {which}</translation>
  </message>
  <message>
   <source>{count:,} pictures are</source>
   <translation type="vanished">{count:,} 张图片</translation>
  </message>
  <message>
   <source>{done:.1f} of {total:.1f} MB, {rate:.1f} MB/s{left}</source>
   <translation type="vanished">{done:.1f} / {total:.1f} MB，{rate:.1f} MB/s{left}</translation>
  </message>
  <message>
   <source>{many} left out: broken, there twice, or in several classes ('fovea data inspect' lists them)</source>
   <translation type="vanished">略去了 {many}：已损坏、重复，或出现在多个类别中（'fovea data inspect' 列出它们）</translation>
  </message>
  <message>
   <source>{many} of nearly the same pictures: each stays on one side of the split (--exact: do not look)</source>
   <translation type="vanished">几乎相同的图片有 {many}：每组留在数据划分的同一侧（--exact：不查找）</translation>
  </message>
  <message>
   <source>{name} ({id}) on '{title}'{split}</source>
   <translation type="vanished">{name} ({id})，'{title}'{split}</translation>
  </message>
  <message>
   <source>{name}: accuracy on {split}</source>
   <translation type="vanished">{name}：{split} 上的准确率</translation>
  </message>
  <message>
   <source>{name}: {size:,} pictures: accuracy on {split} {accuracy}</source>
   <translation type="vanished">{name}：{size:,} 张图片：{split} 上的准确率 {accuracy}</translation>
  </message>
  <message>
   <source>{prefix}copies</source>
   <translation type="vanished">{prefix}copies</translation>
  </message>
  <message>
   <source>{prefix}copies-across-splits</source>
   <translation type="vanished">{prefix}copies-across-splits</translation>
  </message>
  <message>
   <source>{prefix}label-conflict</source>
   <translation type="vanished">{prefix}label-conflict</translation>
  </message>
  <message>
   <source>{where}.{name}: expected a list of {kind}</source>
   <translation type="vanished">{where}.{name}：预期为 {kind} 的列表</translation>
  </message>
  <message>
   <source>{where}: fields {parts}</source>
   <translation type="vanished">{where}：字段 {parts}</translation>
  </message>
  <message>
   <source>{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}</source>
   <translation type="vanished">{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}</translation>
  </message>
 </context>
 <context>
  <name>FrameBar</name>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source> of {0}</source>
   <extracomment>After a number: frame 3 of 12. The blank at the beginning stays.</extracomment>
   <translation> / {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Answer every frame</source>
   <translation>回答每一帧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Classifies each frame by itself and lists the answers in the table</source>
   <translation>对每一帧单独分类，并在表格中列出答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Frame</source>
   <translation>帧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Frame </source>
   <extracomment>Before a number: frame 3 of 12. The blank at the end stays.</extracomment>
   <translation>帧 </translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Frame before (↑ or the wheel)</source>
   <translation>上一帧（↑ 或滚轮）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Next frame (↓ or the wheel)</source>
   <translation>下一帧（↓ 或滚轮）</translation>
  </message>
 </context>
 <context>
  <name>GalleryModel</name>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is right</source>
   <translation>标签正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is unsure</source>
   <translation>标签不确定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is wrong</source>
   <translation>标签错误</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>{0}: answered '{1}' with {2}; it is '{3}', which got {4}</source>
   <translation>{0}：回答“{1}”（{2}）；实为“{3}”（{4}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>{0}: right, '{1}' with {2}</source>
   <translation>{0}：正确，“{1}”（{2}）</translation>
  </message>
 </context>
 <context>
  <name>GalleryPane</name>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>1 picture</source>
   <translation>1 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>All classes</source>
   <translation>所有类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>All pictures</source>
   <translation>所有图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Copy the pictures into a new folder…</source>
   <translation>将图片复制到新文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Export</source>
   <translation>导出</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Exports all pictures listed here.</source>
   <translation>导出此处列出的所有图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Exports the selected pictures.</source>
   <translation>导出选中的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Key: {0}</source>
   <translation>按键：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Likely wrong labels</source>
   <translation>可能有误的标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No mistake among the {0} pictures answered.</source>
   <translation>已回答的 {0} 张图片中没有错误。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No mistake so far: {0} answered.</source>
   <translation>目前没有错误：已回答 {0} 张。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No name of these holds “{0}”.</source>
   <translation>这些图片的名称都不含“{0}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture is answered yet.</source>
   <translation>尚未回答任何图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture is here.</source>
   <translation>这里没有图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture was answered.</source>
   <translation>没有回答任何图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No wrong answer is so sure that its label would be doubtful.</source>
   <translation>没有哪个错误答案确定到令其标签可疑。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Only pictures of this class</source>
   <translation>仅此类别的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Right, least sure first</source>
   <translation>正确的，最不确定的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Save as a list (CSV)…</source>
   <translation>保存为列表 (CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Search by name</source>
   <translation>按名称搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Search pictures by name</source>
   <translation>按名称搜索图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Take back what was last said of a label</source>
   <translation>撤回上次对标签的判断</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>The label is</source>
   <translation>该标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>The label of the chosen pictures is {0}</source>
   <translation>所选图片的标签：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Undo</source>
   <translation>撤销</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Which pictures</source>
   <translation>哪些图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Worst mistakes first</source>
   <translation>最严重的错误在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>any</source>
   <extracomment>A choice of a filter: whatever it is.</extracomment>
   <translation>任意</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>unsure</source>
   <extracomment>Neither right nor wrong: somebody cannot tell.</extracomment>
   <translation>不确定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>wrong</source>
   <extracomment>Not correct.</extracomment>
   <translation>错误</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>{0} answered as {1}</source>
   <translation>{0} 被答为 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>{0} pictures</source>
   <translation>{0} 张图片</translation>
  </message>
 </context>
 <context>
  <name>HeaderDialog</name>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>DICOM header</source>
   <translation>DICOM 头信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Filter by tag, name or value</source>
   <translation>按标签、名称或值筛选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Filter the header</source>
   <translation>筛选头信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Header of the file</source>
   <translation>文件的头信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Show names, numbers and dates of the patient and of the examination</source>
   <translation>显示患者和检查的姓名、编号与日期</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Tag</source>
   <translation>标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Value</source>
   <translation>数值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>hidden</source>
   <translation>已隐藏</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>{0} lines, {1} of them hidden</source>
   <translation>{0} 行，其中 {1} 行已隐藏</translation>
  </message>
 </context>
 <context>
  <name>HeapRow</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>A heap of {0} pictures</source>
   <translation>一堆图片，共 {0} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Choose this heap for merging</source>
   <translation>选择此堆以合并</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Label {0}</source>
   <translation>标注 {0} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Show</source>
   <translation>显示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Split</source>
   <extracomment>Button: divide this heap of pictures into smaller ones; not a part of the data.</extracomment>
   <translation>拆分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>What are these?</source>
   <translation>这些是什么？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>What these pictures are</source>
   <translation>这些图片是什么</translation>
  </message>
 </context>
 <context>
  <name>HeapsDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Every picture has a label.</source>
   <translation>每张图片都有标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Group Alike</source>
   <translation>相似图片分堆</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Grouping…</source>
   <translation>正在分堆…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Heaps</source>
   <translation>图片堆</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Learning has stopped.</source>
   <translation>学习已停止。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Merge the chosen</source>
   <translation>合并所选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Number of heaps</source>
   <translation>堆数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Pictures without a label, in heaps that are alike. Name a heap, and all its pictures have that label.</source>
   <translation>没有标签的图片，按相似度分堆。给一堆命名，其中所有图片便都有该标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Splitting…</source>
   <translation>正在拆分…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>as many as suit</source>
   <translation>合适的数量</translation>
  </message>
 </context>
 <context>
  <name>HeatLegend</name>
  <message>
   <location filename="../../desktop/ui/widgets/heat.py" />
   <source>Colours of the map, from nothing to most</source>
   <translation>热力图的颜色，从无到最强</translation>
  </message>
 </context>
 <context>
  <name>HeatPicture</name>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>Bright: what speaks for ‘{0}’ ({1}, model {2})</source>
   <translation>明亮：支持“{0}”的部分（{1}，模型 {2}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>Grad-CAM</source>
   <translation>Grad-CAM</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>It shows where the network looked, not that its answer is right.</source>
   <translation>它显示网络看了哪里，并不表明答案正确。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>class activation map</source>
   <translation>类激活图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation>无</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>occlusion</source>
   <translation>遮盖法</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>speaks most for the class</source>
   <translation>最支持该类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>– not finished: {0} of {1} parts</source>
   <translation>– 未完成：{0} / {1} 个部分</translation>
  </message>
 </context>
 <context>
  <name>HelpWindow</name>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Back</source>
   <extracomment>Button of a wizard: the page before.</extracomment>
   <translation>上一步</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Forward</source>
   <translation>前进</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Found in 1 place</source>
   <translation>找到 1 处</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Found in {0} places</source>
   <translation>找到 {0} 处</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Fovea Help</source>
   <translation>Fovea 帮助</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Larger text</source>
   <translation>放大文字</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Nothing found. Try fewer words, or the beginning of one.</source>
   <translation>什么也没找到。请试试更少的词，或词的开头。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Pages of the help</source>
   <translation>帮助的页面</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Search the help</source>
   <translation>搜索帮助</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Smaller text</source>
   <translation>缩小文字</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>The first page</source>
   <translation>首页</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>The help cannot be read: {0}</source>
   <translation>无法读取帮助：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>{0} – Fovea Help</source>
   <translation>{0} – Fovea 帮助</translation>
  </message>
 </context>
 <context>
  <name>HereTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Does it work here?</source>
   <translation>在这里管用吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Figure</source>
   <translation>指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Figures here and on the model's card</source>
   <translation>此处与模型卡片上的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Here it is {0} on {1} images.</source>
   <translation>此处为 {0}，基于 {1} 张图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It does better here than its card says</source>
   <translation>它在此处的表现优于其卡片所述</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It does worse here than its card says</source>
   <translation>它在此处的表现差于其卡片所述</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It fits its card, if these pictures are new to it</source>
   <translation>与其卡片相符，前提是这些图片对它来说是新的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>No answer yet: the evaluation was stopped before all pictures were answered</source>
   <translation>尚无结论：评估在回答完所有图片之前已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>No answer: these may be the pictures that the card was measured on</source>
   <translation>没有结论：这些可能正是卡片所用的测量图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Not compared: this threshold is not the model's own</source>
   <translation>未比较：此阈值不是模型自身的阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>The model's card gives no accuracy to compare with.</source>
   <translation>模型卡片未给出可供比较的准确率。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>The model's card: {0}, split {1}</source>
   <translation>模型卡片：{0}，数据划分 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>There is no figure to compare with</source>
   <translation>没有可供比较的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>These pictures differ from those that it has learned from</source>
   <translation>这些图片与它学习所用的图片不同</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>This compares the same figures on two sets of pictures. 'Compatible' means that the intervals leave room for no difference, not that there is none; more pictures tell more. Your pictures should be such as the model will really be given, and labelled without looking at its answers.</source>
   <translation>这里比较两组图片上的同一指标。“相容”是指区间允许没有差异，而不是说没有差异；图片越多，越能说明问题。你的图片应当是模型实际将会遇到的那种，并且标注时没有看过它的答案。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Too few pictures for an answer</source>
   <translation>图片太少，无法得出结论</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Value (95 % interval)</source>
   <translation>数值（95 % 区间）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>What Fovea does not know: whether the model has learned from these very pictures, or from others of the same people or things; whether the card was measured on them; and whether their labels are right. If any of this is so, the figures here say nothing on new pictures.</source>
   <translation>Fovea 不知道的是：模型是否学习过这些图片本身，或同一人、同一事物的其他图片；卡片是否就是在它们上测得的；它们的标签是否正确。若有其中任何一种情况，这里的指标对新图片便不能说明什么。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Where</source>
   <extracomment>Head of a column: here, or on the model's card.</extracomment>
   <translation>来源</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>no number of images</source>
   <translation>没有图片数量</translation>
  </message>
 </context>
 <context>
  <name>ImageDelegate</name>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>no result</source>
   <translation>没有结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>unfamiliar kind</source>
   <translation>陌生类型</translation>
  </message>
 </context>
 <context>
  <name>ImageList</name>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>1 image removed; its file stays.</source>
   <translation>已移除 1 张图片；其文件保留。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>All images</source>
   <translation>所有图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Camera (Ctrl+K)</source>
   <translation>摄像头 (Ctrl+K)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Filter by name</source>
   <translation>按名称筛选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Filter images by name</source>
   <translation>按名称筛选图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Listed are those: {0}. Escape lists all.</source>
   <translation>列出的是：{0}。按 Escape 列出全部。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No images yet.
Drop files or folders here.</source>
   <translation>还没有图片。
请将文件或文件夹拖放到这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No name holds “{0}”.</source>
   <translation>没有名称包含“{0}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No such image.</source>
   <translation>没有这样的图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Not its kind</source>
   <translation>不属于其类型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Open the camera</source>
   <translation>打开摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Show as a grid</source>
   <translation>以网格显示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Show as rows</source>
   <translation>以列表显示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Undo</source>
   <translation>撤销</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Undo what was done last</source>
   <translation>撤销上一次操作</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Which images are listed</source>
   <translation>列出哪些图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Which images are listed: {0}</source>
   <translation>列出哪些图片：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>With a note</source>
   <translation>有备注</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>With a star</source>
   <translation>有星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>With the answer</source>
   <translation>有答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Without a result</source>
   <translation>没有结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>all</source>
   <translation>全部</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} images removed; their files stay.</source>
   <translation>已移除 {0} 张图片；其文件保留。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} of {1} images</source>
   <translation>{0} / {1} 张图片</translation>
  </message>
 </context>
 <context>
  <name>ImagesModel</name>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>Note: {0}</source>
   <translation>备注：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>no answer: it is not the kind of picture that the model learned from</source>
   <translation>没有答案：它不是模型学习过的那类图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>note: {0}</source>
   <translation>备注：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>with a star</source>
   <translation>带星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>{0}, no result: {1}</source>
   <translation>{0}，没有结果：{1}</translation>
  </message>
 </context>
 <context>
  <name>ImportDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>A file of class names</source>
   <translation>类别名称文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Choose…</source>
   <translation>选择…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Classes</source>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>For its card; may stay empty</source>
   <translation>用于其卡片；可以留空</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From a file…</source>
   <translation>从文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>ImageNet's 1,000</source>
   <translation>ImageNet 的 1,000 个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Import</source>
   <translation>导入</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Import {0}</source>
   <translation>导入 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It begins with a layer that scales: pixels most likely go in as they are, 0 to 255.</source>
   <translation>它以一个缩放层开头：像素很可能以 0 至 255 原样输入。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It is about medical pictures. {0}</source>
   <translation>它涉及医学图片。{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It takes {0} pictures of {1} and tells {2} classes apart.</source>
   <translation>它接收 {1} 的 {0} 图片，区分 {2} 个类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Its outputs are</source>
   <translation>它的输出是</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Licence</source>
   <translation>许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>One class a line, in the order of the network's outputs</source>
   <translation>每行一个类别，按网络输出的顺序</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pictures were</source>
   <translation>图片曾经</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pixels were given as</source>
   <translation>像素输入方式</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Probabilities (they sum to 1)</source>
   <translation>概率（总和为 1）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Raw values (logits)</source>
   <translation>原始值 (logits)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Scaled whole, the rest padded</source>
   <translation>整张缩放，其余填充</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Scaled, and the middle cut out</source>
   <translation>缩放后裁出中间部分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Size (width × height)</source>
   <translation>大小（宽 × 高）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Still to be told: {0}.</source>
   <translation>尚需说明：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Stretched to that size</source>
   <translation>拉伸到该大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Text or JSON (*.txt *.json *.csv)</source>
   <translation>文本或 JSON (*.txt *.json *.csv)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The file does not say the rest, and Fovea does not guess: wrong answers would look like right ones.</source>
   <translation>文件没有说明其余内容，Fovea 也不猜测：错误的答案会看似正确。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Trained on</source>
   <translation>训练数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>any size</source>
   <translation>任意大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>colour</source>
   <translation>彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} classes are named, the network has {1}.</source>
   <translation>指定了 {0} 个类别，网络有 {1} 个。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} parameters.</source>
   <translation>{0} 个参数。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} pixels</source>
   <translation>{0} 像素</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0 至 1（除以 255）</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0 至 1，减去 ImageNet 均值，再除以其标准差 (PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0 至 255，保持原样</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">蓝、绿、红，减去 ImageNet 均值 (Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">图片如何调整大小</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">像素如何输入</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">其类别</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">其名称</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">其大小</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">其输出是什么</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1 至 1</translation>
  </message>
 </context>
 <context>
  <name>InstallDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Continue ({0} already downloaded)</source>
   <translation>继续（已下载 {0}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Download</source>
   <translation>下载</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Fovea checks by its checksum that the file is the published one and installs nothing else. Fovea's authors have not downloaded the file themselves; the first one that passes is remembered.</source>
   <translation>Fovea 用校验和确认该文件就是已发布的文件，并且不安装其他任何东西。Fovea 的作者没有自行下载过该文件；第一个通过检查的文件会被记住。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Free disk needed for a while</source>
   <translation>暂时需要的可用磁盘空间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From</source>
   <translation>从</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From a file…</source>
   <translation>从文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Install</source>
   <translation>安装</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Install {0}</source>
   <translation>安装 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Licence</source>
   <translation>许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>MD5 as published</source>
   <translation>公布的 MD5</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>SHA-256</source>
   <translation>SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The file of weights</source>
   <translation>权重文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The weights came with the installation: nothing is fetched. Fovea checks that they are unchanged and makes the model of them, in about a minute.</source>
   <translation>权重随安装提供：不需要下载。Fovea 会检查它们未被改动，并在约一分钟内做成模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights (*.h5 *.hdf5)</source>
   <translation>权重 (*.h5 *.hdf5)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights in 16 bits: half the size; scores differ by up to 0.01</source>
   <translation>16 位权重：大小减半；得分相差最多 0.01</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights in 32 bits: as published</source>
   <translation>32 位权重：与发布的一致</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0 至 1（除以 255）</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0 至 1，减去 ImageNet 均值，再除以其标准差 (PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0 至 255，保持原样</translation>
  </message>
  <message>
   <source>Fovea compares the file's hash with the published one and installs nothing else. Fovea's authors have not downloaded the file themselves; the first one that passes is remembered by its SHA-256.</source>
   <translation type="vanished">Fovea 将文件的哈希值与公布的值比较，不安装任何其他文件。Fovea 的作者没有亲自下载过该文件；第一个通过的文件将以其 SHA-256 记住。</translation>
  </message>
  <message>
   <source>The weights came with the installation: nothing is fetched. Fovea compares their hash with the one that its authors computed, builds the network and converts it, in about a minute.</source>
   <translation type="vanished">权重随安装一起提供：无需下载。Fovea 将其哈希值与作者计算的值比较，构建网络并转换，约需一分钟。</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">蓝、绿、红，减去 ImageNet 均值 (Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">图片如何调整大小</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">像素如何输入</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">其类别</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">其名称</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">其大小</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">其输出是什么</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1 至 1</translation>
  </message>
 </context>
 <context>
  <name>Installer</name>
  <message>
   <location filename="../../installers/windows.py" />
   <source>A second way to start it.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>另一种启动方式。</translation>
  </message>
  <message>
   <location filename="../../installers/linux_files/fovea.desktop" />
   <source>Classify images and train classifiers on this computer</source>
   <extracomment>In the menu of programs.</extracomment>
   <translation>在这台计算机上对图片分类并训练分类器</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Classify images on this computer</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>在此计算机上对图片分类</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>For pictures and DICOM files, beside the programs that open them now.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>用于图片和 DICOM 文件，与目前打开它们的程序并列。</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Fovea (required)</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>Fovea（必需）</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Fovea is open. Close it, then remove it again.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>Fovea 正在运行。请关闭后再次卸载。</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Fovea is open. Close it, then try again.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>Fovea 正在运行。请关闭后重试。</translation>
  </message>
  <message>
   <location filename="../../installers/linux_files/fovea.desktop" />
   <source>Image Classifier</source>
   <extracomment>In the menu of programs.</extracomment>
   <translation>图片分类器</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Image for Fovea</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>Fovea 图片</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Offer Fovea under 'Open with'</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>在“打开方式”中提供 Fovea</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Open Fovea now</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>立即打开 Fovea</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Remove your models, runs, results and settings too? They cannot be brought back.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>也要删除你的模型、训练记录、结果和设置吗？删除后无法恢复。</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>Shortcut on the desktop</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>桌面快捷方式</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>The files could not be written. Is the disk full? What was installed before is as it was.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>无法写入文件。磁盘是否已满？之前安装的内容保持不变。</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>The new program could not be put in place. What was installed before is as it was.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>无法放置新程序。之前安装的内容保持不变。</translation>
  </message>
  <message>
   <location filename="../../installers/windows.py" />
   <source>The program with its models, and an entry in the Start menu.</source>
   <extracomment>A page of the installer for Windows.</extracomment>
   <translation>程序及其模型，以及开始菜单中的一项。</translation>
  </message>
  <message>
   <location filename="../../installers/linux_files/fovea.desktop" />
   <source>classify;image;X-ray;DICOM;neural network;</source>
   <extracomment>Words to search for, each ended by ';'.</extracomment>
   <translation>分类;图片;图像;X线;DICOM;神经网络;</translation>
  </message>
 </context>
 <context>
  <name>Intake</name>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>That is a web address. Fovea works offline: save the picture, then open it.</source>
   <translation>那是网址。Fovea 离线工作：请先保存图片，再打开它。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>The text on the clipboard is not the path of a file. Copy an image or a file.</source>
   <translation>剪贴板上的文本不是文件路径。请复制图片或文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>There is no image and no file on the clipboard. Copy one, then paste it here.</source>
   <translation>剪贴板上没有图片也没有文件。请先复制，再粘贴到这里。</translation>
  </message>
 </context>
 <context>
  <name>JobBar</name>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Ending…</source>
   <translation>正在结束…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Pause</source>
   <translation>暂停</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Paused. What was fetched is kept.</source>
   <translation>已暂停。已下载的内容会保留。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Progress</source>
   <translation>进度</translation>
  </message>
 </context>
 <context>
  <name>JobList</name>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>Trainings</source>
   <translation>训练</translation>
  </message>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最佳轮：{0}</translation>
  </message>
 </context>
 <context>
  <name>JobPage</name>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Cancel…</source>
   <translation>取消…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Card</source>
   <extracomment>A model's card: the page that says what it is for and how good it is ('model card').</extracomment>
   <translation>卡片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Earlier</source>
   <extracomment>Button: move up in the queue of trainings.</extracomment>
   <translation>提前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>End after this epoch and make a model of the best one so far</source>
   <translation>本轮后结束，并用目前最好的一轮制作模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Go on from epoch {0}</source>
   <translation>从第 {0} 轮继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Later</source>
   <extracomment>Button: move down in the queue of trainings.</extracomment>
   <translation>推后</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Make the model</source>
   <translation>制作模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Pause</source>
   <translation>暂停</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Progress of the training</source>
   <translation>训练的进度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Remove from the list</source>
   <translation>从列表移除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Save curves…</source>
   <translation>保存曲线…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>See its validation errors</source>
   <translation>查看其验证错误</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Start</source>
   <translation>起点</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Start again</source>
   <translation>重新开始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Stop after this epoch</source>
   <translation>本轮后停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Take out of the queue</source>
   <translation>移出队列</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Use it in Classify</source>
   <translation>在“分类”中使用</translation>
  </message>
 </context>
 <context>
  <name>JobsModel</name>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最佳轮：{0}</translation>
  </message>
 </context>
 <context>
  <name>JobsTab</name>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>New training…</source>
   <translation>新建训练…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Start from a plan file…</source>
   <translation>从方案文件开始…</translation>
  </message>
 </context>
 <context>
  <name>Judging</name>
  <message>
   <location filename="../../desktop/ui/evaluate/judging.py" />
   <source>What you said of this label is not kept: the evaluation did not come to its end.</source>
   <translation>你对此标签的判断不会保留：评估未进行到底。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/judging.py" />
   <source>What you said of {0} labels is not kept: the evaluation did not come to its end.</source>
   <translation>你对 {0} 个标签的判断不会保留：评估未进行到底。</translation>
  </message>
 </context>
 <context>
  <name>Keeping</name>
  <message>
   <location filename="../../desktop/ui/draw/keeping.py" />
   <source>No ink was found: there is nothing to keep.</source>
   <translation>未找到笔迹：没有可保存的内容。</translation>
  </message>
 </context>
 <context>
  <name>KeptPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>1 evaluation deleted.</source>
   <translation>已删除 1 项评估。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Delete</source>
   <translation>删除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Delete the chosen evaluations</source>
   <translation>删除所选的评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Kept evaluations</source>
   <translation>保存的评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Open</source>
   <translation>打开</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Open the chosen evaluation</source>
   <translation>打开所选的评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Take the deletion back</source>
   <translation>撤回删除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>They open at once, without asking the model again.</source>
   <translation>它们可立即打开，无需再次询问模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Undo</source>
   <translation>撤销</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>and {0} older ones</source>
   <translation>以及 {0} 项更早的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>incomplete</source>
   <translation>不完整</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>right: {0}</source>
   <translation>正确：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>threshold {0} chosen</source>
   <translation>选定阈值 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>{0} evaluations deleted.</source>
   <translation>已删除 {0} 项评估。</translation>
  </message>
 </context>
 <context>
  <name>Keys</name>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>A new sheet; can be undone</source>
   <translation>新画纸；可撤销</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>A picture looked at large</source>
   <translation>放大查看的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>A series, or a file of several frames</source>
   <translation>序列或多帧文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Actual size</source>
   <translation>实际大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Back</source>
   <extracomment>Button of a wizard: the page before.</extracomment>
   <translation>上一步</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Back from the large picture</source>
   <translation>从大图返回</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Back, forward</source>
   <translation>后退、前进</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Choosing a model</source>
   <translation>选择模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Classify: the list of images</source>
   <translation>分类：图片列表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Classify: the scores of the classes</source>
   <translation>分类：各类别的得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Copy the picture, or the files that are selected</source>
   <translation>复制图片或选中的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Copy the scores, where the keyboard is on them</source>
   <translation>键盘焦点在得分上时，复制得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Delete the chosen evaluations</source>
   <translation>删除所选的评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Delete the chosen runs; Undo brings them back</source>
   <translation>删除所选的训练；“撤销”可恢复</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Draw: the sheet</source>
   <translation>手绘：画纸</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Drop the stroke that is being drawn</source>
   <translation>放弃正在画的笔画</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>End the search, then close the help</source>
   <translation>结束搜索，然后关闭帮助</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Enlarge what the network saw</source>
   <translation>放大网络所见</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation>评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Filter by name</source>
   <translation>按名称筛选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Fit to the window</source>
   <translation>适合窗口</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Go through the images</source>
   <translation>浏览图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Go through the images by pages, to the ends</source>
   <translation>按页浏览图片，跳到首尾</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Go to the picture</source>
   <translation>转到该图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>In Teach, held: record as the class of that key</source>
   <translation>在“示教”中按住：录制为该键对应的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Keep the drawing with this true label</source>
   <translation>连同此真实标签保存绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Keep the frame that is shown</source>
   <translation>保存当前显示的帧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Label the pictures with the class of that key</source>
   <translation>用该键对应的类别标注图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Larger text, smaller, as at first</source>
   <translation>放大、缩小、还原文字</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Look at the image large</source>
   <translation>放大查看图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Move a waiting training</source>
   <translation>移动等待中的训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Move an enlarged picture; Shift: finer</source>
   <translation>移动放大的图片；Shift：微移</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Of a picture that was opened: the one before, the next</source>
   <translation>已打开的图片：上一张、下一张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Of several digits: the one whose scores are shown</source>
   <translation>有多个数字时：显示其得分的那一个</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Open the list of models</source>
   <translation>打开模型列表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Pen, eraser (unless a class has that letter)</source>
   <translation>画笔、橡皮（除非某个类别使用该字母）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Pictures, in every view</source>
   <translation>图片，在每个视图中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Remove from the list; the file stays</source>
   <translation>从列表移除；文件保留</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Remove from the project; the file stays</source>
   <translation>从项目移除；文件保留</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Remove the class; Undo brings it back</source>
   <translation>移除类别；“撤销”可恢复</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Rename the class</source>
   <translation>重命名类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Search the help</source>
   <translation>搜索帮助</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Search the pictures by name</source>
   <translation>按名称搜索图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show all mistakes again</source>
   <translation>重新显示所有错误</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show all names again</source>
   <translation>重新显示所有名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show the cell's pictures; open the picture</source>
   <translation>显示该单元格的图片；打开图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show the picture large</source>
   <translation>显示大图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Star the pictures</source>
   <translation>给图片加星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Take a training off the list</source>
   <translation>从列表中去掉一项训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Take the label back</source>
   <translation>撤回标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Take the suggestion</source>
   <translation>采纳建议</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Teach: a picture shown large</source>
   <translation>示教：放大显示的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Teach: the classes</source>
   <translation>示教：类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Teach: the pictures</source>
   <translation>示教：图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Ten frames back or on, to the ends</source>
   <translation>后退或前进十帧，跳到首尾</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The camera</source>
   <translation>摄像头</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The first page</source>
   <translation>首页</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The frame before, the next one; so does the wheel</source>
   <translation>上一帧、下一帧；滚轮亦可</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The help</source>
   <translation>帮助</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The image before, the next one</source>
   <translation>上一张、下一张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The label of the picture is right, wrong, unsure</source>
   <translation>图片的标签正确、错误、不确定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The menu of an image, a row, a bar or a map</source>
   <translation>图片、行、条形或热力图的菜单</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The next place found, the one before</source>
   <translation>下一处、上一处匹配</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The wizard's step before, the next</source>
   <translation>向导的上一步、下一步</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Train</source>
   <extracomment>A view of the window: train a model on pictures (machine learning).</extracomment>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Train: the list of runs</source>
   <translation>训练：训练列表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Turn the camera off and close it</source>
   <translation>关闭摄像头并收起</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Zoom in, zoom out</source>
   <translation>放大、缩小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>digits</source>
   <translation>数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>letters</source>
   <translation>字母</translation>
  </message>
 </context>
 <context>
  <name>KindChart</name>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>Distance from the training pictures</source>
   <translation>与训练图片的距离</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>This picture: {0}. Limit: 1. 95 of 100 of the model's own pictures lie below it.</source>
   <translation>此图片：{0}。界限：1。模型自己的图片中，100 张有 95 张低于此界限。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>its own pictures</source>
   <translation>自己的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>limit</source>
   <translation>界限</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>this picture</source>
   <translation>此图片</translation>
  </message>
 </context>
 <context>
  <name>LargeLook</name>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>This image cannot be shown.</source>
   <translation>无法显示此图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>{0}, frame {1} of {2}</source>
   <translation>{0}，第 {1} / {2} 帧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>← → other images · + − zoom · Esc closes</source>
   <translation>← → 其他图片 · + − 缩放 · Esc 关闭</translation>
  </message>
 </context>
 <context>
  <name>LargePicture</name>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Key: {0}</source>
   <translation>按键：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Next</source>
   <translation>下一步</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Previous</source>
   <translation>上一张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The label is</source>
   <translation>该标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The label of this picture is {0}</source>
   <translation>此图片的标签：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The picture is not where it was.</source>
   <translation>图片不在原处。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>This picture cannot be shown.</source>
   <translation>无法显示此图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>You said: {0}.</source>
   <translation>你说过：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>unsure</source>
   <extracomment>Neither right nor wrong: somebody cannot tell.</extracomment>
   <translation>不确定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>wrong</source>
   <extracomment>Not correct.</extracomment>
   <translation>错误</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
 </context>
 <context>
  <name>LastImages</name>
  <message>
   <location filename="../../desktop/services/last_images.py" />
   <source>Of the images from last time, {0} are no longer where they were.</source>
   <translation>上次的图片中，有 {0} 张已不在原处。</translation>
  </message>
 </context>
 <context>
  <name>LayersTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>It came as .tflite: its operations are {0}</source>
   <translation>它以 .tflite 形式导入：其运算为 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Its layers can be listed once it is installed.</source>
   <translation>安装后才能列出其各层。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Kind</source>
   <translation>类型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Layer</source>
   <translation>层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Layers</source>
   <translation>层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Settings</source>
   <translation>设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>What its first layer looks for (grey: no weight)</source>
   <translation>其第一层寻找什么（灰色：无权重）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} layers, {1} parameters</source>
   <translation>{0} 层，{1} 个参数</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">检查时间</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">来源</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">署名</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">许可证</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">网络</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">参数</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">所报告的</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">下载大小</translation>
  </message>
 </context>
 <context>
  <name>LayoutPanel</name>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Compare the examples with your pictures before you confirm. Your files stay as they are.</source>
   <translation>确认之前，请将示例与你的图片比较。你的文件保持原样。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>How the labels were recognised</source>
   <translation>标签是如何识别的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>No: open another folder…</source>
   <translation>否：打开其他文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>The folders do not name the classes. This was recognised:</source>
   <translation>文件夹没有给出类别名称。识别结果如下：</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Yes, read the labels this way</source>
   <translation>是，按此方式读取标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>and {0} more</source>
   <translation>以及另外 {0} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>{0} pictures in {1} classes: {2}</source>
   <translation>{0} 张图片，{1} 个类别：{2}</translation>
  </message>
 </context>
 <context>
  <name>LearnedCard</name>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>(Between {0} and {1}.)</source>
   <translation>（介于 {0} 与 {1} 之间。）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>95 % interval</source>
   <translation>95 % 区间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Accuracy against the number of labels</source>
   <translation>准确率与标签数的关系</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Another {0} labels would probably bring about {1}.</source>
   <translation>再有 {0} 个标签，大概会带来约 {1}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>It begins to suggest when there is {0}.</source>
   <translation>有 {0} 之后，它开始给出建议。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Label a few pictures of two classes: then it begins to suggest.</source>
   <translation>标注两个类别的几张图片：然后它开始给出建议。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Label some of ‘Most uncertain first’ or ‘Drawn at random’: then it can be measured.</source>
   <translation>请标注一些“最不确定的在前”或“随机抽取”中的图片：然后就能测量。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Make it a model…</source>
   <translation>做成模型…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Too few labels to say how often it is right.</source>
   <translation>标签太少，无法说明正确的频率。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>What it has learned</source>
   <translation>它学到了什么</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>With {0} labels: {1}, {2}</source>
   <translation>有 {0} 个标签时：{1}，{2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>accuracy</source>
   <translation>准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>labels</source>
   <translation>标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>{0} right</source>
   <translation>{0} 正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>{0}. On {1} labelled pictures that were drawn at random, each left out, with its copies, while it learned.</source>
   <translation>{0}。在随机抽取的 {1} 张已标注图片上测得；学习时每张图片连同其副本均被留出。</translation>
  </message>
 </context>
 <context>
  <name>LeftQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Not now</source>
   <translation>暂不</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Trainings were cut off when Fovea ended last: {0}. Go on with them?</source>
   <translation>Fovea 上次结束时有训练被中断：{0}。要继续吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Unfinished trainings</source>
   <translation>未完成的训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>{0} of {1} epochs are done; it goes on from there, with its curves.</source>
   <translation>已完成 {0} / {1} 轮；将连同其曲线从那里继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>“{0}” was cut off when Fovea ended last. Go on with it?</source>
   <translation>“{0}”在 Fovea 上次结束时被中断。要继续吗？</translation>
  </message>
 </context>
 <context>
  <name>LicencesDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Component</source>
   <translation>组件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Components</source>
   <translation>组件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Filter by name or licence</source>
   <translation>按名称或许可证筛选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Filter the components</source>
   <translation>筛选组件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Fovea is free software under the Apache License 2.0. It is made of {0} components:</source>
   <translation>Fovea 是依据 Apache License 2.0 发布的自由软件。它由 {0} 个组件构成：</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Licence</source>
   <translation>许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Licences</source>
   <translation>许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Qt and PySide6 are used under the GNU Lesser General Public License, version 3. Their libraries are files of their own beside the program: you may replace them by your own build. The program's documentation says how, under 'licences'.</source>
   <translation>Qt 和 PySide6 依据 GNU 较宽松通用公共许可证第 3 版 (LGPL) 使用。它们的库是程序旁边的独立文件：你可以用自己构建的版本替换。程序文档的“许可证”部分说明了方法。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Reading the list …</source>
   <translation>正在读取列表 …</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Source: {0}</source>
   <translation>来源：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>The licence's text</source>
   <translation>许可证文本</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>The list of components cannot be read. Install Fovea again.</source>
   <translation>无法读取组件列表。请重新安装 Fovea。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>This package brings no text of its licence.</source>
   <translation>此软件包没有附带许可证文本。</translation>
  </message>
 </context>
 <context>
  <name>MainWindow</name>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Edit</source>
   <translation>编辑(&amp;E)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;File</source>
   <translation>文件(&amp;F)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Help</source>
   <translation>帮助(&amp;H)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Model</source>
   <translation>模型(&amp;M)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;View</source>
   <translation>视图(&amp;V)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Classify</source>
   <extracomment>A view of the window: sort pictures into classes.</extracomment>
   <translation>分类</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Classify images</source>
   <translation>对图片分类</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Draw</source>
   <extracomment>A view of the window: draw digits by hand. An imperative, or a noun as a tab has it.</extracomment>
   <translation>手绘</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Draw digits and see them read</source>
   <translation>手绘数字并查看识别结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Drop images or folders to classify them</source>
   <translation>拖入图片或文件夹进行分类</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation>评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Fovea speaks the chosen language from its next start on.</source>
   <translation>Fovea 将从下次启动起使用所选语言。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Images ({0})</source>
   <translation>图片 ({0})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Install, import, export and look after models</source>
   <translation>安装、导入、导出和管理模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Label pictures and see at once what is learned</source>
   <translation>标注图片并立即看到学习结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Models</source>
   <extracomment>A view of the window: trained models (networks), not people or cars.</extracomment>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Open Images</source>
   <translation>打开图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Open a Folder of Images</source>
   <translation>打开图片文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>See how good a model is</source>
   <translation>查看模型有多好</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Teach</source>
   <translation>示教</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Text has the chosen size from the next start of Fovea on.</source>
   <translation>文字将从 Fovea 下次启动起使用所选大小。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>The other program would only move this, and Fovea moves nothing. Open it here.</source>
   <translation>另一个程序只会移动它，而 Fovea 不移动任何内容。请在此打开。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Train</source>
   <extracomment>A view of the window: train a model on pictures (machine learning).</extracomment>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Train a model on your own pictures</source>
   <translation>用自己的图片训练模型</translation>
  </message>
 </context>
 <context>
  <name>MakingDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>A model of {0} classes from {1} labelled pictures, with calibrated scores, a check whether a picture is of its kind, and a card that says how good it is. It appears among your models and works without this project.</source>
   <translation>由 {1} 张已标注图片得到的 {0} 类模型，带有校准的得分、对图片是否属于其类型的检查，以及说明其好坏的卡片。它会出现在你的模型中，不依赖此项目即可使用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Make It a Model</source>
   <translation>做成模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Make the model</source>
   <translation>制作模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Name of the model</source>
   <translation>模型的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Quick: what it has learned here (well under a minute)</source>
   <translation>快速：在此学到的内容（远不到一分钟）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Thorough: the network itself learns your pictures as well (many minutes)</source>
   <translation>彻底：网络本身也学习你的图片（许多分钟）</translation>
  </message>
 </context>
 <context>
  <name>MappingDialog</name>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>1 class is undecided.</source>
   <translation>1 个类别尚未确定。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>At least one class must mean a label.</source>
   <translation>至少要有一个类别对应某个标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Choose…</source>
   <translation>选择…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Class of the data</source>
   <translation>数据的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Label for the class {0}</source>
   <translation>类别 {0} 的标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Label of the model</source>
   <translation>模型的标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Leave this class out</source>
   <translation>略去此类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Match Class Names</source>
   <translation>对应类别名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>The folder's class names are not the model's labels. Say which label each class means; a class that is left out is not evaluated. Fovea remembers this for the model and these names.</source>
   <translation>文件夹的类别名称不是模型的标签。请说明每个类别指哪个标签；被略去的类别不参与评估。Fovea 会为该模型和这些名称记住此对应关系。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>The numbers are the model's own label numbers</source>
   <translation>这些数字就是模型自己的标签编号</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Use these</source>
   <translation>使用这些</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>{0} classes are undecided.</source>
   <translation>{0} 个类别尚未确定。</translation>
  </message>
 </context>
 <context>
  <name>MatrixModel</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>'{0}' answered as '{1}': {2} images, {3} of the {4} answered '{5}'</source>
   <translation>“{0}”被答为“{1}”：{2} 张图片，占答为“{5}”的 {4} 张的 {3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>'{0}' answered as '{1}': {2} images, {3} of the {4} that are '{5}'</source>
   <translation>“{0}”被答为“{1}”：{2} 张图片，占实为“{5}”的 {4} 张的 {3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>共 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>{0} images are '{1}'. Click to see them.</source>
   <translation>{0} 张图片为“{1}”。单击查看。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>{0} images were answered '{1}'. Click to see them.</source>
   <translation>{0} 张图片被答为“{1}”。单击查看。</translation>
  </message>
 </context>
 <context>
  <name>MatrixPane</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Confusion matrix</source>
   <translation>混淆矩阵</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Rows: what it is. Columns: what the model answered. A cell shows its pictures.</source>
   <translation>行：实际是什么。列：模型的答案。单元格显示其图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Share of each answer</source>
   <extracomment>Of all pictures that got this answer (column of the confusion matrix).</extracomment>
   <translation>占各答案的比例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Share of each truth</source>
   <extracomment>Of all pictures that are of a class (row of the confusion matrix).</extracomment>
   <translation>占各真实类别的比例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Tint shows</source>
   <extracomment>What the colour of a cell of the confusion matrix shows.</extracomment>
   <translation>颜色表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>共 {0}</translation>
  </message>
 </context>
 <context>
  <name>MatrixTable</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Confusion matrix: truth down, answers across</source>
   <translation>混淆矩阵：纵向为真实类别，横向为答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>共 {0}</translation>
  </message>
 </context>
 <context>
  <name>Menus</name>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;About Fovea</source>
   <translation>关于 Fovea(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;About This Model</source>
   <translation>关于此模型(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Actual Size</source>
   <translation>实际大小(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Classify</source>
   <translation>分类(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Classify All Images</source>
   <translation>对所有图片分类(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Copy</source>
   <translation>复制(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Corrections…</source>
   <translation>更正(&amp;C)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Export Results as CSV…</source>
   <translation>将结果导出为 CSV(&amp;E)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Export…</source>
   <translation>导出(&amp;E)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Filter Images</source>
   <translation>筛选图片(&amp;F)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Fit to the Window</source>
   <translation>适合窗口(&amp;F)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Help</source>
   <translation>帮助(&amp;H)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Keyboard Shortcuts</source>
   <translation>键盘快捷键(&amp;K)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Licences</source>
   <translation>许可证(&amp;L)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Look Large</source>
   <translation>放大查看(&amp;L)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Next Image</source>
   <translation>下一张图片(&amp;N)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Note…</source>
   <translation>备注(&amp;N)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Open Images…</source>
   <translation>打开图片(&amp;O)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Paste Image</source>
   <translation>粘贴图片(&amp;P)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Previous Image</source>
   <translation>上一张图片(&amp;P)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Print…</source>
   <translation>打印(&amp;P)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Quit</source>
   <translation>退出(&amp;Q)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Recent Folders</source>
   <translation>最近的文件夹(&amp;R)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Redo</source>
   <translation>重做(&amp;R)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Remove from the List</source>
   <translation>从列表移除(&amp;R)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Settings…</source>
   <translation>设置(&amp;S)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Teach This Model More…</source>
   <translation>继续教此模型(&amp;T)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Theme</source>
   <translation>主题(&amp;T)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Undo</source>
   <translation>撤销(&amp;U)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Undo Removing Images</source>
   <translation>撤销移除图片(&amp;U)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>C&amp;hoose a Model</source>
   <translation>选择模型(&amp;H)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Check for &amp;Updates…</source>
   <translation>检查更新(&amp;U)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Classify This Image &amp;Again</source>
   <translation>重新分类此图片(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Dark</source>
   <translation>深色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Fi&amp;les Sorted…</source>
   <translation>已整理的文件(&amp;L)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Light</source>
   <translation>浅色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Like the System</source>
   <translation>跟随系统</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>None yet</source>
   <translation>尚无</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Open &amp;Folder…</source>
   <translation>打开文件夹(&amp;F)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Open the &amp;Camera</source>
   <translation>打开摄像头(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>S&amp;ort by Answer…</source>
   <translation>按答案整理(&amp;O)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>S&amp;tar</source>
   <translation>星标(&amp;T)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Select &amp;All Images</source>
   <translation>选择所有图片(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>This &amp;Is a…</source>
   <translation>这是(&amp;I)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Zoom &amp;In</source>
   <translation>放大(&amp;I)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Zoom &amp;Out</source>
   <translation>缩小(&amp;O)</translation>
  </message>
 </context>
 <context>
  <name>MessageBar</name>
  <message>
   <location filename="../../desktop/ui/widgets/message_bar.py" />
   <source>Close the message</source>
   <translation>关闭消息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/message_bar.py" />
   <source>Message</source>
   <translation>消息</translation>
  </message>
 </context>
 <context>
  <name>Metrics</name>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>AUC</source>
   <translation>AUC</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Accuracy</source>
   <translation>准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Accuracy in this data</source>
   <translation>此数据中的准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Area under the ROC curve (AUC)</source>
   <translation>ROC 曲线下面积 (AUC)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Average precision</source>
   <translation>平均精确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Balanced accuracy</source>
   <translation>平衡准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Brier score</source>
   <translation>Brier 分数</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Calibration error (ECE)</source>
   <translation>校准误差 (ECE)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>ECE</source>
   <translation>ECE</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>F1</source>
   <translation>F1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>FNR</source>
   <translation>FNR</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>FPR</source>
   <translation>FPR</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro F1</source>
   <translation>宏平均 F1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro precision</source>
   <translation>宏平均精确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro recall</source>
   <translation>宏平均召回率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>NPV in this data</source>
   <translation>此数据中的 NPV</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Negative predictive value, in this data</source>
   <translation>阴性预测值，在此数据中</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>PPV in this data</source>
   <translation>此数据中的 PPV</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Positive predictive value, in this data</source>
   <translation>阳性预测值，在此数据中</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Precision</source>
   <translation>精确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Recall</source>
   <translation>召回率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Refused as not its kind</source>
   <translation>因不属于其类型而拒绝</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Right among the first five (top-5 accuracy)</source>
   <translation>前五个中有正确答案 (top-5 准确率)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Sensitivity</source>
   <translation>灵敏度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Sensitivity for '{label}'</source>
   <translation>“{label}”的灵敏度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Specificity</source>
   <translation>特异度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Specificity for '{label}'</source>
   <translation>“{label}”的特异度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Top-5 accuracy</source>
   <translation>Top-5 准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted F1</source>
   <translation>加权 F1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted precision</source>
   <translation>加权精确率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted recall</source>
   <translation>加权召回率</translation>
  </message>
 </context>
 <context>
  <name>ModelCard</name>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">已损坏：{0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">没有自己的类别</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">已安装</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">已安装，可在其基础上继续</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未安装</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未安装 · 需下载 {0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">尚未制作 · 无需下载</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未测量</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">随 Fovea 提供</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">你的模型</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0} 个类别</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} 彩色</translation>
  </message>
 </context>
 <context>
  <name>ModelCardDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>'{label}' is answered where its score is at least {value}.</source>
   <translation>“{label}”在其得分不低于 {value} 时作为答案。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>95 % interval</source>
   <translation>95 % 区间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>About {name}</source>
   <translation>关于 {name}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Architecture</source>
   <translation>架构</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Classes ({count})</source>
   <translation>类别（{count}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Comes from</source>
   <translation>来源</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Continues</source>
   <extracomment>The model that this one went on from.</extracomment>
   <translation>承接自</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>Copy text</source>
   <translation>复制文本</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Credits</source>
   <extracomment>Who is to be named as author of data and methods.</extracomment>
   <translation>署名</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Damaged</source>
   <translation>已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Date</source>
   <translation>日期</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Difference after export</source>
   <translation>导出后的差异</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Figure</source>
   <translation>指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Figures</source>
   <translation>指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Folder</source>
   <translation>文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Fovea itself</source>
   <translation>Fovea 本身</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Id</source>
   <translation>标识</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Import it or train it again.</source>
   <translation>请导入它，或重新训练。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Input</source>
   <translation>输入</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Install Fovea again to restore it.</source>
   <translation>请重新安装 Fovea 以恢复。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Intended use</source>
   <translation>预期用途</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Its description is here, its weights are not: it answers once they are installed under Models. Until then choose another model.</source>
   <translation>这里有它的描述，但没有权重：在“模型”中安装权重后它才能回答。在此之前请选择其他模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Known failures</source>
   <translation>已知的失败</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Licence of the data</source>
   <translation>数据的许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Limits</source>
   <translation>局限</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Made on</source>
   <extracomment>The computer or device that a model was trained on.</extracomment>
   <translation>制作设备</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Made with</source>
   <extracomment>Versions of the program and libraries that made a model.</extracomment>
   <translation>制作工具</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Measured on</source>
   <translation>测量数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>Model card</source>
   <translation>模型卡片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Must not be used for</source>
   <translation>不得用于</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Not measured.</source>
   <translation>未测量。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Notice</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Parameters</source>
   <translation>参数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Population</source>
   <extracomment>Medicine, statistics: which people or pictures the data came from.</extracomment>
   <translation>人群</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>SHA-256 of the weights</source>
   <translation>权重的 SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Scores and decision</source>
   <translation>得分与判定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Seed</source>
   <translation>随机种子</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Size on disk</source>
   <translation>占用磁盘</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Technical</source>
   <extracomment>Head of a section with technical facts.</extracomment>
   <translation>技术信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>The numbers beside the bars are calibrated on {n} images of the {split} split (temperature {t}): the expected calibration error went from {before} to {after}.</source>
   <translation>条形旁的数字在 {split} 数据划分的 {n} 张图片上校准（温度 {t}）：期望校准误差从 {before} 变为 {after}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>The numbers beside the bars are model scores: they have not been calibrated to be probabilities.</source>
   <translation>条形旁的数字是模型得分：它们没有被校准为概率。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>This model cannot answer: {problem}.</source>
   <translation>此模型无法回答：{problem}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Training</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Value</source>
   <translation>数值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Version</source>
   <translation>版本</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Weights not installed</source>
   <translation>未安装权重</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>and {count} more</source>
   <translation>以及另外 {count} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>colour (RGB)</source>
   <translation>彩色 (RGB)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>ink found, cropped, scaled into 20×20 and centred by mass</source>
   <translation>找到笔迹，裁剪，缩放到 20×20 并按质心居中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>it cannot be read</source>
   <translation>无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>scaled whole, the rest padded</source>
   <translation>整张缩放，其余填充</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>scaled, and the middle cut out</source>
   <translation>缩放后裁出中间部分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>stretched to that size, whatever its shape</source>
   <translation>不论形状，拉伸到该大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>your own models</source>
   <translation>你自己的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>{difference} at most in any score, over {n} images</source>
   <translation>在 {n} 张图片上，任何得分最多相差 {difference}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>{width} × {height} pixels, {colour}; the picture is {fit} ({interpolation}).</source>
   <translation>{width} × {height} 像素，{colour}；图片的适配方式：{fit}（{interpolation}）。</translation>
  </message>
 </context>
 <context>
  <name>ModelChooser</name>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>About this model</source>
   <translation>关于此模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Choose a model.</source>
   <translation>请选择模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Damaged</source>
   <translation>已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Model</source>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>No model is installed.</source>
   <translation>没有安装任何模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Ready</source>
   <translation>就绪</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Weights not installed</source>
   <translation>未安装权重</translation>
  </message>
 </context>
 <context>
  <name>Models</name>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source> · {0} a second</source>
   <translation> · 每秒 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source> · {0} left</source>
   <translation> · 剩余 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1 (divided by 255)</source>
   <translation>0 至 1（除以 255）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation>0 至 1，减去 ImageNet 均值，再除以其标准差 (PyTorch)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 255, as they are</source>
   <translation>0 至 255，保持原样</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Building the network…</source>
   <translation>正在构建网络…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation>检查时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Checking the file…</source>
   <translation>正在检查文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation>来源</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing checksums…</source>
   <translation>正在比较校验和…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing the two forms…</source>
   <translation>正在比较两种形式…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Converting it…</source>
   <translation>正在转换…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Copying…</source>
   <translation>正在复制…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation>署名</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Damaged: {0}</source>
   <translation>已损坏：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Has no classes of its own</source>
   <translation>没有自己的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed</source>
   <translation>已安装</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed, to build upon</source>
   <translation>已安装，可在其基础上继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation>许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Looking through the file…</source>
   <translation>正在检查文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>MD5 as published</source>
   <translation>公布的 MD5</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Making it ready to answer…</source>
   <translation>正在使其可以作答…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation>网络</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed</source>
   <translation>未安装</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed · {0} to fetch</source>
   <translation>未安装 · 需下载 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not made yet · nothing to fetch</source>
   <translation>尚未制作 · 无需下载</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not measured</source>
   <translation>未测量</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation>参数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation>所报告的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>SHA-256</source>
   <translation>SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation>下载大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>With Fovea</source>
   <extracomment>Models that come with the program.</extracomment>
   <translation>随 Fovea 提供</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Writing the model…</source>
   <translation>正在写入模型…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Yours</source>
   <extracomment>Models that the user made or brought in.</extracomment>
   <translation>你的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>about {0}</source>
   <translation>约 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation>蓝、绿、红，减去 ImageNet 均值 (Caffe)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>colour</source>
   <translation>彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pictures got their size</source>
   <translation>图片如何调整大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pixels were given</source>
   <translation>像素如何输入</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its classes</source>
   <translation>其类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its name</source>
   <translation>其名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its size</source>
   <translation>其大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation>无</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>none: the package holds {0}</source>
   <translation>无：软件包中已有 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>the Python package {0} {1}</source>
   <translation>Python 包 {0} {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>what its outputs are</source>
   <translation>其输出是什么</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} classes</source>
   <translation>{0} 个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>{0} {1}, {2}</source>
   <translation>{0} {1}，{2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} · {1}×{1} colour</source>
   <translation>{0} · {1}×{1} 彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>−1 to 1</source>
   <translation>−1 至 1</translation>
  </message>
  <message>
   <source>Comparing the file's hash…</source>
   <translation type="vanished">正在比较文件的哈希值…</translation>
  </message>
  <message>
   <source>Converting it to LiteRT…</source>
   <translation type="vanished">正在转换为 LiteRT…</translation>
  </message>
 </context>
 <context>
  <name>ModelsView</name>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>A job on models runs</source>
   <translation>有一项模型作业正在进行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Bring in a .keras, .h5 or .tflite network, or a model of another Fovea</source>
   <translation>导入 .keras、.h5 或 .tflite 网络，或另一个 Fovea 的模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Cancelled. What was fetched is kept for the next try.</source>
   <translation>已取消。已下载的内容保留到下次尝试。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Changing {0}</source>
   <translation>正在更改 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Copying {0}</source>
   <translation>正在复制 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Drop a network or a model here to import it</source>
   <translation>将网络或模型拖放到这里以导入</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>End and close</source>
   <translation>结束并关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>End “{0}” and close Fovea?</source>
   <translation>结束“{0}”并关闭 Fovea 吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Exporting {0}</source>
   <translation>正在导出 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Filter models</source>
   <translation>筛选模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Importing {0}</source>
   <translation>正在导入 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Import…</source>
   <translation>导入…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Installing {0}</source>
   <translation>正在安装 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>It is the only form of this model: there was nothing to compare it with.</source>
   <translation>这是该模型的唯一形式：没有可供比较的对象。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Its answers differ by {0} at most over {1} pictures; the certificate says so.</source>
   <translation>在 {1} 张图片上，其答案最多相差 {0}；证书上有说明。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Looking at {0}</source>
   <translation>正在查看 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>One model at a time: the first is being looked at.</source>
   <translation>一次一个模型：正在查看第一个。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Stay</source>
   <extracomment>Button: do not close the window.</extracomment>
   <translation>留下</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Verifying {0}</source>
   <translation>正在校验 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>What was fetched so far is kept; nothing half-done is installed.</source>
   <translation>到目前为止下载的内容会保留；不会安装半成品。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Written: {0}.</source>
   <translation>已写入：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>{0}: all {1} files are as they were.</source>
   <translation>{0}：全部 {1} 个文件与原先相同。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>{0}: {1} not as it was.</source>
   <translation>{0}：{1} 个与原先不同。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is back among the models.</source>
   <translation>“{0}”已恢复到模型中。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is in the trash; Undo takes it back.</source>
   <translation>“{0}”已在回收站中；“撤销”可恢复。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is ready.</source>
   <translation>“{0}”已就绪。</translation>
  </message>
 </context>
 <context>
  <name>NearestStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/nearest_strip.py" />
   <source>Nearest training pictures</source>
   <translation>最接近的训练图片</translation>
  </message>
 </context>
 <context>
  <name>NoticeStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Note</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Notices</source>
   <translation>提示</translation>
  </message>
 </context>
 <context>
  <name>Notices</name>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Fovea is for research and education only; it is not a medical device.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>Fovea 仅用于研究和教育；它不是医疗器械。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Not the kind of picture that this model knows.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>不是此模型所认识的那类图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Research and education only; not a medical device.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>仅用于研究和教育；不是医疗器械。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Some of these show nothing that the model knows: it answers all the same.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>其中一些不显示模型所认识的任何内容：它照样给出答案。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>The chest picture is a phantom drawn by a program: it is no X-ray and shows no one.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>这张胸部图片是由程序绘制的体模：它不是 X 线片，也不显示任何人。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>The output is a model score, not a diagnosis.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>输出是模型得分，不是诊断。</translation>
  </message>
 </context>
 <context>
  <name>OnSign</name>
  <message>
   <location filename="../../desktop/ui/widgets/camera_screen.py" />
   <source>Recording</source>
   <translation>正在录制</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_screen.py" />
   <source>The camera is on</source>
   <translation>摄像头已打开</translation>
  </message>
 </context>
 <context>
  <name>Opener</name>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>1 object of the study holds no picture, as a report does, and was left out.</source>
   <translation>该检查中有 1 个对象不含图片（例如报告），已略去。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>No images were found there. Fovea opens JPEG, PNG, WebP, TIFF, DICOM and more.</source>
   <translation>那里没有找到图片。Fovea 可打开 JPEG、PNG、WebP、TIFF、DICOM 等格式。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>Pasted {0} {1}</source>
   <translation>粘贴 {0} {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>{0} objects of the studies hold no picture, as reports do, and were left out.</source>
   <translation>各检查中有 {0} 个对象不含图片（例如报告），已略去。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>{0}, and {1} more that could not be read</source>
   <translation>{0}，以及另外 {1} 个无法读取</translation>
  </message>
 </context>
 <context>
  <name>PageView</name>
  <message>
   <location filename="../../desktop/ui/help/page_view.py" />
   <source>Page of the help</source>
   <translation>帮助页面</translation>
  </message>
  <message>
   <source>HelpPage of the help</source>
   <translation type="vanished">帮助页面</translation>
  </message>
 </context>
 <context>
  <name>ParallelPlot</name>
  <message>
   <location filename="../../desktop/ui/train/parallel.py" />
   <source>No trial is finished yet.</source>
   <translation>尚未完成任何试验。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/parallel.py" />
   <source>Settings of the trials and what came of them</source>
   <translation>各试验的设置及其结果</translation>
  </message>
 </context>
 <context>
  <name>PictureActions</name>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>A series is not sorted: its files belong together.</source>
   <translation>序列不会被整理：其中的文件属于一个整体。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy class and score</source>
   <translation>复制类别和得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the files</source>
   <translation>复制文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the map with its legend</source>
   <translation>复制热力图及图例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the path</source>
   <translation>复制路径</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the paths</source>
   <translation>复制路径</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the picture</source>
   <translation>复制图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Find similar</source>
   <translation>查找相似图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Look at it large</source>
   <translation>放大查看</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Model: {0}</source>
   <translation>模型：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note on {0}. It is kept by Fovea, not in the file.</source>
   <translation>对 {0} 的备注。备注由 Fovea 保存，不写入文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note: {0}</source>
   <translation>备注：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note…</source>
   <translation>备注…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Only images with this answer</source>
   <translation>仅显示此答案的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>PNG pictures (*.png)</source>
   <translation>PNG 图片 (*.png)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Print…</source>
   <translation>打印…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Remove from the list</source>
   <translation>从列表移除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Save the Map</source>
   <translation>保存热力图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Save the map with its legend…</source>
   <translation>保存热力图及图例…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Show in the file manager</source>
   <translation>在文件管理器中显示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Sort by answer…</source>
   <translation>按答案整理…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Star</source>
   <translation>星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Take the star away</source>
   <translation>取消星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>The map was saved as {0}.</source>
   <translation>热力图已保存为 {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>This is a ‘{0}’</source>
   <translation>这是“{0}”</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Where does it see ‘{0}’?</source>
   <translation>它在何处看到“{0}”？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>like {0}, the most alike first</source>
   <translation>与 {0} 相似，最相似的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>model score</source>
   <translation>模型得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>probability</source>
   <translation>概率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>where it looked</source>
   <translation>网络看了哪里</translation>
  </message>
 </context>
 <context>
  <name>PictureMenu</name>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Copy the files</source>
   <translation>复制文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Copy the paths</source>
   <translation>复制路径</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Edit › Corrections takes it back.</source>
   <translation>可用“编辑 › 更正”撤回。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Look at it large</source>
   <translation>放大查看</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Show in the file manager</source>
   <translation>在文件管理器中显示</translation>
  </message>
 </context>
 <context>
  <name>PicturePane</name>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Actual size, 100 %</source>
   <translation>实际大小，100 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Fit to the window</source>
   <translation>适合窗口</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Look at it large (Space)</source>
   <translation>放大查看（空格键）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Opening…</source>
   <translation>正在打开…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>This image cannot be shown.</source>
   <translation>无法显示此图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Zoom in</source>
   <translation>放大</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Zoom out</source>
   <translation>缩小</translation>
  </message>
 </context>
 <context>
  <name>PictureSide</name>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Backspace takes the label back, Space shows the picture large.</source>
   <translation>Backspace 撤回标签，空格键放大图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Enter takes the suggestion.</source>
   <translation>Enter 采纳建议。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Keys: {0}</source>
   <translation>按键：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>No label yet</source>
   <translation>尚无标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>This picture {0}.</source>
   <translation>这张图片：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>You said: {0}</source>
   <translation>你说过：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>{0} pictures are selected.</source>
   <translation>选中了 {0} 张图片。</translation>
  </message>
 </context>
 <context>
  <name>PictureView</name>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>No picture</source>
   <translation>没有图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>{width} × {height} pixels, shown at {zoom} %</source>
   <translation>{width} × {height} 像素，以 {zoom} % 显示</translation>
  </message>
 </context>
 <context>
  <name>PicturesModel</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>cannot be opened</source>
   <translation>无法打开</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>labelled {0}</source>
   <translation>已标注为 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>no label</source>
   <translation>没有标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>no label; suggested {0}, model score {1}</source>
   <translation>没有标签；建议 {0}，模型得分 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>not where it was</source>
   <translation>不在原处</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>starred</source>
   <translation>带星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>the file holds another picture now</source>
   <translation>该文件现在是另一张图片</translation>
  </message>
 </context>
 <context>
  <name>PicturesPane</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>All classes</source>
   <translation>所有类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>All pictures</source>
   <translation>所有图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Backspace</source>
   <translation>Backspace</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>By suggestion, surest first</source>
   <translation>按建议，最确定的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Del</source>
   <translation>Del</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Drawn at random, to measure</source>
   <translation>随机抽取，用于测量</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Drop pictures, folders or archives here.</source>
   <translation>将图片、文件夹或压缩包拖放到这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Enter</source>
   <translation>Enter</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Every picture has a label.</source>
   <translation>每张图片都有标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Find similar pictures</source>
   <translation>查找相似图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>It suggests nothing yet: label a few pictures of two classes first.</source>
   <translation>它还不能给出建议：请先标注两个类别的几张图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Likely wrong labels</source>
   <translation>可能有误的标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Model score at least</source>
   <translation>模型得分不低于</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Most uncertain first</source>
   <translation>最不确定的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Newest first</source>
   <translation>最新的在前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No label looks wrong.</source>
   <translation>没有看起来有误的标签。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No name of these holds “{0}”.</source>
   <translation>这些图片的名称都不含“{0}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No picture is here.</source>
   <translation>这里没有图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No suggestion has so high a score. Move the slider to the left.</source>
   <translation>没有建议达到这么高的得分。请将滑块左移。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>One heap</source>
   <translation>一堆</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>One moment…</source>
   <translation>请稍候…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Only pictures of a class</source>
   <translation>仅某一类别的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Pictures of the project</source>
   <translation>项目的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Remove from the project</source>
   <translation>从项目移除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Search names</source>
   <translation>搜索名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Search the names of the pictures</source>
   <translation>搜索图片的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Show large</source>
   <translation>放大显示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Similar to a picture</source>
   <translation>与某张图片相似</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Space</source>
   <translation>空格</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Star</source>
   <translation>星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Starred</source>
   <translation>带星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Suggestions from this model score on</source>
   <translation>采纳此模型得分及以上的建议</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take the label back</source>
   <translation>撤回标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take the suggestion</source>
   <translation>采纳建议</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take these {0} suggestions</source>
   <translation>采纳这 {0} 条建议</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Unlike everything labelled</source>
   <translation>与所有已标注的都不像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>What is shown next</source>
   <translation>接下来显示什么</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Without a label</source>
   <translation>没有标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} of {1} pictures</source>
   <translation>{0} / {1} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} pictures</source>
   <translation>{0} 张图片</translation>
  </message>
 </context>
 <context>
  <name>PlanDialog</name>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Batch size</source>
   <translation>批次大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Choose…</source>
   <translation>选择…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Epochs</source>
   <translation>轮数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Folder or file of the images</source>
   <translation>图片的文件夹或文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Learning rate</source>
   <translation>学习率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>More settings</source>
   <translation>更多设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Name of the training and of its model</source>
   <translation>训练及其模型的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>One a line, for instance:
fit.patience = 3
augment.flip.p = 0.5</source>
   <translation>每行一项，例如：
fit.patience = 3
augment.flip.p = 0.5</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Open a Labelled Folder</source>
   <translation>打开带标签的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Seed</source>
   <translation>随机种子</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Start a Training</source>
   <translation>开始训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Start training</source>
   <translation>开始训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>{0} · {1} classes: {2}</source>
   <translation>{0} · {1} 个类别：{2}</translation>
  </message>
 </context>
 <context>
  <name>PlanModel</name>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Goes to</source>
   <translation>目标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Note</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>stays where it is</source>
   <translation>留在原处</translation>
  </message>
 </context>
 <context>
  <name>PreparedView</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Nothing yet</source>
   <translation>还没有内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>What the network saw</source>
   <translation>网络所见</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>colour</source>
   <translation>彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>cut from the middle</source>
   <translation>从中央裁剪</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>ink found and centred</source>
   <translation>找到笔迹并居中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>stretched to fit</source>
   <translation>拉伸以适配</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>whole picture, padded</source>
   <translation>整张图片，填充边缘</translation>
  </message>
 </context>
 <context>
  <name>PreparingPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source> pixels</source>
   <translation> 像素</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Another picture</source>
   <translation>另一张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Colour</source>
   <translation>色彩</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Colours</source>
   <translation>彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Cut from the middle</source>
   <translation>从中央裁剪</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Every picture is brought to one size. Larger inputs keep finer detail and take longer to learn from.</source>
   <translation>每张图片都会调整为同一大小。输入越大，细节越多，学习时间也越长。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Fit</source>
   <extracomment>How a picture is brought to the network's size: stretched, cropped or padded.</extracomment>
   <translation>适配方式</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Ink found and centred (28×28 drawings)</source>
   <translation>找到笔迹并居中（28×28 绘图）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Preparing</source>
   <extracomment>A page of the wizard: how pictures are prepared for the network.</extracomment>
   <translation>预处理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Side of the input in pixels</source>
   <translation>输入的边长（像素）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Size</source>
   <translation>大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Stretched</source>
   <translation>拉伸</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>The model that it starts from was made for this input, so it stays as it is.</source>
   <translation>作为起点的模型就是为此输入制作的，因此保持不变。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>The picture as it is</source>
   <translation>原样图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>What should the network see of a picture?</source>
   <translation>网络应看到图片的什么？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Whole picture, padded</source>
   <translation>整张图片，填充边缘</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Your picture</source>
   <translation>你的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>colour</source>
   <translation>彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>{0} pixels</source>
   <translation>{0} 像素</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>{0}×{1} pixels</source>
   <translation>{0}×{1} 像素</translation>
  </message>
 </context>
 <context>
  <name>Printing</name>
  <message>
   <location filename="../../desktop/ui/classify/printing.py" />
   <source>Print</source>
   <translation>打印</translation>
  </message>
 </context>
 <context>
  <name>ProbabilityBars</name>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation>答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Answer and scores</source>
   <translation>答案与得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Filter classes</source>
   <translation>筛选类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Hide its scores</source>
   <translation>隐藏其得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>No answer: this is not the kind of picture that it learned from</source>
   <translation>没有答案：这不是它学习过的那类图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>No class of that name</source>
   <translation>没有该名称的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Not sure: {first} {high}, {second} {low}</source>
   <translation>不确定：{first} {high}，{second} {low}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Perhaps</source>
   <translation>也许</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Scores of the classes</source>
   <translation>各类别的得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show all {count} classes</source>
   <translation>显示全部 {count} 个类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show its scores all the same</source>
   <translation>仍显示其得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show the first {count}</source>
   <translation>显示前 {count} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Wrong: it is {label}</source>
   <translation>错误：实为 {label}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>model score</source>
   <translation>模型得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>perhaps {label}  {score}</source>
   <translation>也许是 {label}  {score}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>probability</source>
   <translation>概率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} digits, read one by one: {1}</source>
   <translation>{0} 个数字，逐个识别：{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} has the higher score, {1}, and is answered from {2} on only.</source>
   <translation>{0} 的得分较高，为 {1}，但须从 {2} 起才作为答案。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} is answered from {1} on and has {2}; the higher score is that of {3}, {4}.</source>
   <translation>{0} 从 {1} 起作为答案，得分为 {2}；得分较高的是 {3}，为 {4}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0}, by the threshold</source>
   <translation>{0}，依据阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{label} is answered from {value} on</source>
   <translation>{label} 从 {value} 起作为答案</translation>
  </message>
 </context>
 <context>
  <name>ProjectsBar</name>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>, {0} a second</source>
   <translation>，每秒 {0} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>A folder…</source>
   <translation>文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Add pictures</source>
   <translation>添加图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>All projects</source>
   <translation>所有项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Files…</source>
   <translation>文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Find copies…</source>
   <translation>查找副本…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>From the camera…</source>
   <translation>来自摄像头…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Group alike…</source>
   <translation>相似图片分堆…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Heaps of pictures that are alike, to be named at once</source>
   <translation>相似图片的堆，可一次命名</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Pause</source>
   <translation>暂停</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Pictures looked at</source>
   <translation>已查看的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Project</source>
   <translation>项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Redo</source>
   <translation>重做</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>The same picture twice, near copies, and pictures taken in one go</source>
   <translation>相同的图片、近似副本以及连拍的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Undo</source>
   <translation>撤销</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>{0} of {1} looked at</source>
   <translation>已查看 {0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>{0} pictures found</source>
   <translation>找到 {0} 张图片</translation>
  </message>
 </context>
 <context>
  <name>RadiologyBar</name>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Bone</source>
   <translation>骨窗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Brain</source>
   <translation>脑窗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Centre {0}, width {1}{2}</source>
   <translation>窗位 {0}，窗宽 {1}{2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Custom window</source>
   <extracomment>Radiology: a window that the user has set.</extracomment>
   <translation>自定义窗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Drag in the picture to measure</source>
   <translation>在图片中拖动以测量</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Drag in the picture: across: width, down: level</source>
   <translation>在图片中拖动：横向为窗宽，纵向为窗位</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Exchange dark and light</source>
   <translation>互换明暗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>File</source>
   <extracomment>The window (range of grey values) that the DICOM file itself names.</extracomment>
   <translation>文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Header…</source>
   <translation>头信息…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Invert</source>
   <extracomment>Exchange dark and light of the picture.</extracomment>
   <translation>反相</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Lung</source>
   <translation>肺窗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Ruler</source>
   <extracomment>A tool to measure distances in a picture.</extracomment>
   <translation>标尺</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Soft tissue</source>
   <translation>软组织窗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>The header of the DICOM file; the patient's data stay hidden until asked for</source>
   <translation>DICOM 文件的头信息；患者数据在要求显示之前保持隐藏</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Whole range</source>
   <extracomment>Radiology: a window over all grey values of the picture.</extracomment>
   <translation>全部范围</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Window</source>
   <extracomment>Radiology: the range of grey values that is shown (centre and width), not a window of the screen.</extracomment>
   <translation>窗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Windows</source>
   <extracomment>Radiology: ranges of grey values (centre and width) to choose from.</extracomment>
   <translation>窗设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Windows of the file and usual ones</source>
   <translation>文件自带的窗和常用窗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>for viewing only: the network used its own</source>
   <translation>仅用于查看：网络使用的是自己的设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>no scale in this file: measured in pixels</source>
   <translation>此文件没有比例信息：以像素测量</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} at {1}</source>
   <translation>{0}（{1}）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} mm</source>
   <translation>{0} 毫米</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} pixels</source>
   <translation>{0} 像素</translation>
  </message>
 </context>
 <context>
  <name>Rail</name>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Help</source>
   <translation>帮助</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Help (F1)</source>
   <translation>帮助 (F1)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Settings</source>
   <translation>设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Views</source>
   <translation>视图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>{0}: {1} % done</source>
   <translation>{0}：已完成 {1} %</translation>
  </message>
 </context>
 <context>
  <name>Reasons</name>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It has less contrast than nearly all pictures the model learned from.</source>
   <translation>它的对比度低于模型学习过的几乎所有图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It has more contrast than nearly all pictures the model learned from.</source>
   <translation>它的对比度高于模型学习过的几乎所有图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It holds more pieces of ink than are read one by one.</source>
   <translation>它的笔迹块数超过可逐一识别的数量。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is darker than nearly all pictures the model learned from.</source>
   <translation>它比模型学习过的几乎所有图片都暗。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is lighter than nearly all pictures the model learned from.</source>
   <translation>它比模型学习过的几乎所有图片都亮。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is more colourful than nearly all pictures the model learned from.</source>
   <translation>它比模型学习过的几乎所有图片都更鲜艳。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is unlike the pictures that the model learned from.</source>
   <translation>它与模型学习过的图片不像。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>Much of it is neither paper nor ink.</source>
   <translation>其中很大部分既非纸也非笔迹。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>Several pieces of ink stand apart in it; the model reads one digit.</source>
   <translation>其中有几块分开的笔迹；模型只识别一个数字。</translation>
  </message>
 </context>
 <context>
  <name>Recipes</name>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Build upon a model</source>
   <translation>在模型基础上构建</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Build upon {0}</source>
   <translation>在 {0} 基础上构建</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Every layer goes on learning from where {0} stands, with your pictures.</source>
   <translation>每一层都用你的图片从 {0} 的现有状态继续学习。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>First a new last layer learns alone, then the last layers of {0} are tuned slowly with it. For some hundred pictures or more.</source>
   <translation>先单独学习新的最后一层，然后缓慢地一起微调 {0} 的最后几层。适合几百张或更多图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Fovea's own</source>
   <translation>Fovea 自己的</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Go on with a model</source>
   <translation>在模型基础上继续</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>{0} stays as it is; only a new last layer learns from what it sees in each picture. Needs few pictures, and an epoch takes seconds.</source>
   <translation>{0} 保持不变；只有新的最后一层从它在每张图片中看到的内容学习。需要的图片少，每轮只需几秒。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>{0}, fine-tuned</source>
   <translation>{0}，微调</translation>
  </message>
 </context>
 <context>
  <name>ReportTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>No path of this computer is written into any of these files.</source>
   <translation>这些文件中不会写入这台计算机的任何路径。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Save what was found</source>
   <translation>保存评估结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Show all names of files all the same</source>
   <translation>仍显示所有文件名</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Show the worst mistakes with their pictures</source>
   <translation>显示最严重的错误及其图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>The pictures are not at hand: reports come without them.</source>
   <translation>图片不在手边：报告中不含图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Write a key beside it: which number is which file (not to be handed on)</source>
   <translation>另写一份对照表：哪个编号是哪个文件（不可转交他人）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Writing</source>
   <translation>正在写入</translation>
  </message>
 </context>
 <context>
  <name>Results</name>
  <message>
   <location filename="../../desktop/ui/help/results.py" />
   <source>Found in the help</source>
   <translation>在帮助中找到</translation>
  </message>
 </context>
 <context>
  <name>ResultsModel</name>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>An unfamiliar kind of picture, so no class is the answer. The highest score is that of {0}.</source>
   <translation>陌生的图片类型，因此没有类别作为答案。得分最高的是 {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation>答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Familiar</source>
   <extracomment>Head of a column with yes or no: whether the picture is of a kind that the model knows.</extracomment>
   <translation>熟悉</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Folder</source>
   <translation>文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Next best</source>
   <extracomment>The class with the second highest score.</extracomment>
   <translation>次高</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>No answer</source>
   <translation>没有答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Notices</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Problem</source>
   <translation>问题</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Score</source>
   <extracomment>The number beside an answer, 0 to 1.</extracomment>
   <translation>得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Size</source>
   <translation>大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>Stopped at {done} of {total}</source>
   <translation>在 {done} / {total} 处停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Time</source>
   <translation>时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>no</source>
   <translation>否</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>other classes: {count}</source>
   <translation>其他类别：{count}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>unfamiliar: {count}</source>
   <translation>陌生：{count}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>yes</source>
   <translation>是</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>{0} {1:.9g}, {2} {3:.9g}: decided by the model's threshold.</source>
   <translation>{0} {1:.9g}，{2} {3:.9g}：由模型的阈值判定。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} images</source>
   <translation>{count} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} shown</source>
   <translation>显示 {count} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} unreadable</source>
   <translation>{count} 张无法读取</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{done} of {total}</source>
   <translation>{done} / {total}</translation>
  </message>
 </context>
 <context>
  <name>ResultsPage</name>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Accuracy so far</source>
   <translation>目前的准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>All evaluations</source>
   <translation>所有评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Back to all evaluations</source>
   <translation>返回所有评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Calibration</source>
   <translation>校准</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Compare</source>
   <translation>比较</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Curves</source>
   <translation>曲线</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Does it work here?</source>
   <translation>在这里管用吗？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Mistakes</source>
   <translation>错误</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Parts of the evaluation</source>
   <translation>评估的各部分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Per class</source>
   <translation>各类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Report</source>
   <translation>报告</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Stopped early: only {0} pictures were answered, about the same share of every class. Figures of all of the data may differ.</source>
   <translation>提前停止：只回答了 {0} 张图片，各类别的比例大致相同。全部数据的指标可能不同。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>largest sensitivity + specificity (Youden) on this data</source>
   <translation>在此数据上灵敏度 + 特异度最大 (Youden)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>nothing answered yet</source>
   <translation>尚无回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>sensitivity of {0} % or more on this data</source>
   <translation>在此数据上灵敏度不低于 {0} %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>specificity of {0} % or more on this data</source>
   <translation>在此数据上特异度不低于 {0} %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} images</source>
   <translation>{0} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} of {1} pictures have no answer and count in no figure below. 'About the data' lists them with the reasons.</source>
   <translation>{1} 张图片中有 {0} 张没有答案，不计入以下任何指标。“数据”中列出了它们及原因。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} on {1}</source>
   <translation>{0}，基于 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} s</source>
   <translation>{0} 秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} without an answer</source>
   <translation>{0} 张没有答案</translation>
  </message>
 </context>
 <context>
  <name>ResultsPane</name>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Classify all again</source>
   <translation>全部重新分类</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Hide the results</source>
   <translation>隐藏结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Progress of the folder</source>
   <translation>文件夹的进度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Results</source>
   <translation>结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>These are the results of {0}, not of {1}.</source>
   <translation>这些是 {0} 的结果，不是 {1} 的。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} images/s</source>
   <translation>{0} 张/秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} left</source>
   <translation>剩余 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
 </context>
 <context>
  <name>ResultsTable</name>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>All answers</source>
   <translation>所有答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>All {0} rows…</source>
   <translation>全部 {0} 行…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>CSV tables (*.csv)</source>
   <translation>CSV 表格 (*.csv)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export CSV</source>
   <translation>导出 CSV</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export progress</source>
   <translation>导出进度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export results</source>
   <translation>导出结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>File names and folders below the chosen one…</source>
   <translation>文件名及所选文件夹之下的文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Filter by name, folder or answer</source>
   <translation>按名称、文件夹或答案筛选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Filter…</source>
   <translation>筛选…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Full paths…</source>
   <translation>完整路径…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Hidden names, with a key beside the table…</source>
   <translation>隐藏名称，并在表格旁附对照表…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Only unreadable</source>
   <translation>仅无法读取的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Other ways to export</source>
   <translation>其他导出方式</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Results</source>
   <translation>结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Results table</source>
   <translation>结果表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Score below</source>
   <translation>得分低于</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Show only scores below</source>
   <translation>仅显示得分低于</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Show only this answer</source>
   <translation>仅显示此答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Summary</source>
   <translation>摘要</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>The {0} rows shown…</source>
   <translation>显示的 {0} 行…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Unfamiliar kind</source>
   <translation>陌生类型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>any</source>
   <extracomment>A choice of a filter: whatever it is.</extracomment>
   <translation>任意</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>{count} rows written to {name}</source>
   <translation>已将 {count} 行写入 {name}</translation>
  </message>
 </context>
 <context>
  <name>RunStrip</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Progress of the evaluation</source>
   <translation>评估的进度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Starting an engine…</source>
   <translation>正在启动引擎…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Stopping; what is answered is kept…</source>
   <translation>正在停止；已回答的会保留…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Working out figures and intervals…</source>
   <translation>正在计算指标和区间…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} images/s</source>
   <translation>{0} 张/秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} left</source>
   <translation>剩余 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} of {1} images</source>
   <translation>{0} / {1} 张图片</translation>
  </message>
 </context>
 <context>
  <name>RunsModel</name>
  <message>
   <source>Begun</source>
   <translation type="vanished">开始时间</translation>
  </message>
  <message>
   <source>Data</source>
   <translation type="vanished">数据</translation>
  </message>
  <message>
   <source>Device</source>
   <translation type="vanished">设备</translation>
  </message>
  <message>
   <source>Epochs</source>
   <translation type="vanished">轮数</translation>
  </message>
  <message>
   <source>Preset</source>
   <translation type="vanished">预设</translation>
  </message>
  <message>
   <source>Run</source>
   <translation type="vanished">训练</translation>
  </message>
  <message>
   <source>Runs</source>
   <translation type="vanished">训练记录</translation>
  </message>
  <message>
   <source>State</source>
   <translation type="vanished">状态</translation>
  </message>
  <message>
   <source>Time spent</source>
   <translation type="vanished">已用时间</translation>
  </message>
  <message>
   <source>Validation accuracy</source>
   <translation type="vanished">验证准确率</translation>
  </message>
  <message>
   <source>Validation loss</source>
   <translation type="vanished">验证损失</translation>
  </message>
  <message>
   <source>of the best epoch</source>
   <translation type="vanished">最佳轮的值</translation>
  </message>
  <message>
   <source>of the finished model</source>
   <translation type="vanished">完成的模型的值</translation>
  </message>
  <message>
   <source>{0} of {1}</source>
   <translation type="vanished">{0} / {1}</translation>
  </message>
 </context>
 <context>
  <name>RunsTab</name>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Accuracy: validation strong, training thin</source>
   <translation>准确率：粗线为验证，细线为训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Choose one or several runs to see their curves on one plot.</source>
   <translation>选择一项或多项训练，在同一张图上查看其曲线。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Continue</source>
   <translation>继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Curves of the runs: {0}</source>
   <translation>训练的曲线：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Delete</source>
   <translation>删除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Epoch</source>
   <translation>轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Export curves…</source>
   <translation>导出曲线…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Filter by name, data, preset or state</source>
   <translation>按名称、数据、预设或状态筛选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Filter the runs</source>
   <translation>筛选训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Loss: validation strong, training thin</source>
   <translation>损失：粗线为验证，细线为训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No epoch of it is finished.</source>
   <translation>它没有完成任何一轮。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No run fits the filter.</source>
   <translation>没有符合筛选条件的训练。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No run yet. Every training is kept here, with its plan, its curves and its figures.</source>
   <translation>还没有训练。每次训练都连同其方案、曲线和指标保存在这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Open folder</source>
   <translation>打开文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Open the model</source>
   <translation>打开模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Repeat with changes…</source>
   <translation>修改后重复…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Setting</source>
   <translation>设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Settings of the plan</source>
   <translation>方案的设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>The plan. Choose a second run (Ctrl and click) to see what differs.</source>
   <translation>方案。选择第二项训练（Ctrl 并单击）可查看差异。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>The two plans are the same in everything that shapes the model.</source>
   <translation>在决定模型的各方面，两个方案相同。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Train further…</source>
   <translation>继续训练…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Two chosen runs: what differs between their plans.</source>
   <translation>所选的两项训练：其方案的差异。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation accuracy</source>
   <translation>验证准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation accuracy of the chosen runs</source>
   <translation>所选训练的验证准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation loss</source>
   <translation>验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation loss of the chosen runs</source>
   <translation>所选训练的验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>What differs between the two plans</source>
   <translation>两个方案的差异</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>{0}, training</source>
   <translation>{0}，训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>“{0}” is training. Cancel it, then delete its run.</source>
   <translation>“{0}”正在训练。请先取消，再删除这项训练。</translation>
  </message>
 </context>
 <context>
  <name>Samples</name>
  <message>
   <location filename="../../resources/samples" />
   <source>China</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>中国</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 0 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 0，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 0 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 0，黑底白字</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 1 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 1，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 2 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 2，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 2 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 2，细</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 3 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 3，记号笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 3 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 3，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 4 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 4，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 4 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 4，细</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 corner</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 5，角落</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 5，记号笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 5，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 6 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 6，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 6 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 6，黑底白字</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 7，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 photo</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 7，照片</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 7，细</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 8 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 8，记号笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 8 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 8，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 9 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 9，钢笔</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 9 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字 9，黑底白字</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Flower</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>花</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern chequerboard</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>图案：棋盘格</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern gradient</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>图案：渐变</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern lorry</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>图案：卡车</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern ship</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>图案：船</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Phantom chest</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>胸部体模</translation>
  </message>
 </context>
 <context>
  <name>ScoresModel</name>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>Answered from {value} on</source>
   <translation>从 {value} 起回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer</source>
   <translation>答案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer, right</source>
   <translation>答案，正确</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer, wrong</source>
   <translation>答案，错误</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the true class</source>
   <translation>真实类别</translation>
  </message>
 </context>
 <context>
  <name>SearchDialog</name>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>A search trains the same data several times with other settings and shows which did best on the validation pictures. Each trial learns from those before it; poor ones end early.</source>
   <translation>搜索会用其他设置对同一数据训练多次，并显示哪次在验证图片上最好。每次试验都借鉴之前的试验；差的提前结束。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Batch size: half, the same, twice</source>
   <translation>批次大小：一半、相同、两倍</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Dropout: 0, 0.2, 0.4</source>
   <translation>Dropout：0、0.2、0.4</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>End poor trials early</source>
   <translation>提前结束差的试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Learning rate: a tenth to ten times as large</source>
   <translation>学习率：十分之一到十倍</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Name of the search</source>
   <translation>搜索的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>New Search</source>
   <translation>新建搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Optimizer: AdamW, Adam, SGD</source>
   <translation>优化器：AdamW、Adam、SGD</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Other settings to vary</source>
   <translation>要变动的其他设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Others, one a line, for instance:
fit.label_smoothing = 0 | 0.1
fit.epochs = 10 | 20</source>
   <translation>其他，每行一项，例如：
fit.label_smoothing = 0 | 0.1
fit.epochs = 10 | 20</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Start search</source>
   <translation>开始搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>The training to vary</source>
   <translation>要变动的训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>This network has no dropout.</source>
   <translation>此网络没有 Dropout。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Training</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Trials</source>
   <extracomment>Trainings of a search for better settings.</extracomment>
   <translation>试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Vary</source>
   <translation>变动</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Weight decay: 0, 0.0001, 0.01</source>
   <translation>权重衰减：0、0.0001、0.01</translation>
  </message>
 </context>
 <context>
  <name>SearchesTab</name>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>, best {0}</source>
   <translation>，最佳 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>1 trial</source>
   <translation>1 次试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>A search is running. Stop it, then begin another.</source>
   <translation>搜索正在进行。请先停止，再开始另一项。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>A search trains the same pictures several times with other settings (learning rate, batch size and more) and shows which did best. It begins from a training that was made before.</source>
   <translation>搜索会用其他设置（学习率、批次大小等）对同一批图片训练多次，并显示哪次最好。它从以前做过的一项训练开始。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Done</source>
   <translation>已完成</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Ends in a moment; the search can go on later</source>
   <translation>即将结束；搜索以后可以继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Epochs</source>
   <translation>轮数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Failed</source>
   <translation>失败</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Its run is not on this computer: it was trained on another one, or deleted.</source>
   <translation>其训练不在这台计算机上：在别的计算机上训练，或已被删除。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Let Fovea find better settings</source>
   <translation>让 Fovea 寻找更好的设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Make a model of the best trial</source>
   <translation>用最佳试验制作模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>New search…</source>
   <translation>新建搜索…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Progress of the search</source>
   <translation>搜索的进度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Running</source>
   <translation>进行中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Searches</source>
   <translation>搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Show its run</source>
   <translation>显示其训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状态</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Stop</source>
   <translation>停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Stopped early</source>
   <translation>提前停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>The search “{0}” is done: a model can be made of its best trial.</source>
   <translation>搜索“{0}”已完成：可用其最佳试验制作模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>The search “{0}” was stopped; Go on takes it up.</source>
   <translation>搜索“{0}”已停止；“继续”可接着进行。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>This search was begun on the command line: 'fovea search' goes on with it there.</source>
   <translation>此搜索是在命令行开始的：请在那里用 'fovea search' 继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Time spent</source>
   <translation>已用时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Trial</source>
   <extracomment>One training of a search for better settings.</extracomment>
   <translation>试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Trials</source>
   <extracomment>Trainings of a search for better settings.</extracomment>
   <translation>试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Try what is left of this search</source>
   <translation>尝试此搜索剩余的部分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Validation accuracy</source>
   <translation>验证准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Validation loss</source>
   <translation>验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Waiting</source>
   <translation>等待中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>stopping in a moment…</source>
   <translation>即将停止…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>the next trial begins…</source>
   <translation>下一次试验开始…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>trial {0}: epoch {1} of {2}, validation loss {3}</source>
   <translation>试验 {0}：第 {1} / {2} 轮，验证损失 {3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0} trials</source>
   <translation>{0} 次试验</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0} – best</source>
   <translation>{0} – 最佳</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0}. The strong line is the best; thin lines that end early were stopped early.</source>
   <translation>{0}。粗线为最佳；提前终止的细线是被提前停止的。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>“{0}”: {1} of {2} trials done</source>
   <translation>“{0}”：已完成 {1} / {2} 次试验</translation>
  </message>
  <message>
   <source>End after the batch at hand; the search can go on later</source>
   <translation type="vanished">当前批次后结束；以后可继续搜索</translation>
  </message>
  <message>
   <source>stopping after this batch…</source>
   <translation type="vanished">本批次后停止…</translation>
  </message>
 </context>
 <context>
  <name>Session</name>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The engine stopped ({0}) and is being started again; your images are classified again.</source>
   <translation>引擎已停止（{0}），正在重新启动；你的图片将重新分类。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The engine stopped several times ({0}). Start Fovea again to classify more.</source>
   <translation>引擎多次停止（{0}）。请重新启动 Fovea 以继续分类。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The part of Fovea that opens pictures stopped several times ({0}). Start Fovea again to see more.</source>
   <translation>Fovea 中打开图片的部分多次停止（{0}）。请重新启动 Fovea 以继续查看。</translation>
  </message>
 </context>
 <context>
  <name>Settings</name>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>Settings cannot be saved ({0}). Fovea works, but forgets them at the end.</source>
   <translation>设置无法保存（{0}）。Fovea 可以工作，但结束时会忘记它们。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>The settings file was damaged. Fovea starts with its defaults; the damaged file was kept as {0}.</source>
   <translation>设置文件已损坏。Fovea 以默认设置启动；损坏的文件已保留为 {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>{0}. Fovea starts with its defaults and does not save over the file.</source>
   <translation>{0}。Fovea 以默认设置启动，不会覆盖该文件。</translation>
  </message>
 </context>
 <context>
  <name>SettingsDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Classes shown at first</source>
   <translation>起初显示的类别数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Dark</source>
   <translation>深色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Everything here stays on this computer.</source>
   <translation>这里的一切都留在这台计算机上。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Folders</source>
   <translation>文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Forget recent folders</source>
   <translation>忘记最近的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Language</source>
   <translation>语言</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Light</source>
   <translation>浅色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Like the system</source>
   <translation>跟随系统</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>More than one makes each of them slower; they share the computer.</source>
   <translation>同时多于一项会使每项变慢；它们共用这台计算机。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Motion</source>
   <translation>动态效果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Nothing moves by itself</source>
   <translation>没有任何自动的动态</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Otherwise as the system says. Bars stand still while something is at work.</source>
   <translation>否则跟随系统设置。工作进行时，进度条保持静止。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Settings</source>
   <translation>设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Size of text</source>
   <translation>文字大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Start with the images from last time</source>
   <translation>启动时打开上次的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>The window is drawn anew in it; your images stay.</source>
   <translation>窗口将以该语言重新绘制；你的图片会保留。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>The window is drawn anew with it; your images stay.</source>
   <translation>窗口将以该大小重新绘制；你的图片会保留。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Their places are kept among Fovea's own data on this computer.</source>
   <translation>它们的位置保存在这台计算机上 Fovea 自己的数据中。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Theme</source>
   <translation>主题</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Theme: {0}</source>
   <translation>主题：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Trainings at the same time</source>
   <translation>同时进行的训练数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>{0} %</source>
   <translation>{0}%</translation>
  </message>
 </context>
 <context>
  <name>SettingsPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source> epochs without a better one</source>
   <translation> 轮没有改善</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>As they are</source>
   <translation>保持原样</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Back to the starting point's settings</source>
   <translation>恢复起点的设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Batch size</source>
   <translation>批次大小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Compute in 16 bits where the device gains by it</source>
   <translation>在设备能受益时用 16 位计算</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Constant</source>
   <extracomment>A schedule: the learning rate stays the same.</extracomment>
   <translation>恒定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Cross-entropy</source>
   <translation>交叉熵</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Cycles of the schedule</source>
   <translation>调度的周期数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Dropout</source>
   <translation>Dropout</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Epochs</source>
   <translation>轮数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Falls in steps</source>
   <translation>阶梯下降</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Falls like a cosine</source>
   <translation>余弦下降</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>For several new layers, or settings of your own</source>
   <translation>用于多个新层，或你自己的设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Frequent classes are drawn less often</source>
   <extracomment>'Drawn': picked by chance (undersampling), not sketched.</extracomment>
   <translation>减少抽取常见类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How a step is made from the errors.</source>
   <translation>如何由误差得出一步。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How long and how fast should it learn?</source>
   <translation>学习多久、多快？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How often it goes through all pictures.</source>
   <translation>遍历所有图片的次数。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How often the rate rises and falls; each peak is half the one before.</source>
   <translation>学习率升降的次数；每个峰值是前一个的一半。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Keeps it from being too sure; 0 is off.</source>
   <translation>避免过于确定；0 为关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Keeps weights small; 0 is off.</source>
   <translation>使权重保持较小；0 为关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>L1 penalty</source>
   <translation>L1 惩罚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>L2 penalty</source>
   <translation>L2 惩罚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Label smoothing</source>
   <translation>标签平滑</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Learning</source>
   <extracomment>A page of the wizard: how long and how fast the network learns.</extracomment>
   <translation>学习</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Learning rate</source>
   <translation>学习率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Mean squared error</source>
   <translation>均方误差</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>More settings</source>
   <translation>更多设置</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Optimizer</source>
   <translation>优化器</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Pictures looked at before each small step.</source>
   <translation>每一小步之前查看的图片数。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Pushes needless weights to zero; 0 is off.</source>
   <translation>将不需要的权重推向零；0 为关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rare classes are drawn more often</source>
   <extracomment>'Drawn': picked by chance (oversampling), not sketched.</extracomment>
   <translation>增加抽取稀有类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rare classes weigh more</source>
   <translation>稀有类别权重更大</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rises, then falls</source>
   <translation>先升后降</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>SGD with momentum</source>
   <translation>带动量的 SGD</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Saves time once nothing gets better.</source>
   <translation>一旦不再改善便可节省时间。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Schedule of the rate</source>
   <translation>学习率调度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Share of features left out at random while learning; against learning by heart.</source>
   <translation>学习时随机略去的特征比例；防止死记硬背。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Shrinks weights a little at every step; 0 is off.</source>
   <translation>每一步使权重略微缩小；0 为关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Smaller steps towards the end settle better.</source>
   <translation>临近结束时步子小些，更易收敛。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Stop early after</source>
   <translation>提前停止于</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The highest validation accuracy</source>
   <translation>验证准确率最高的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The largest class has {0} times as many pictures as the smallest. Left as they are, the answers lean towards the frequent one.</source>
   <translation>最大类别的图片数是最小类别的 {0} 倍。若保持原样，答案会偏向常见的类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The last one</source>
   <translation>最后一轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The lowest validation loss</source>
   <translation>验证损失最低的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The network of that epoch becomes the model.</source>
   <translation>该轮的网络成为模型。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The size of a step: too large never settles, too small takes for ever.</source>
   <translation>一步的大小：太大永远不收敛，太小则没完没了。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The starting point brought settings that work. You can change any of them, or just go on.</source>
   <translation>起点带有行之有效的设置。你可以更改其中任何一项，也可直接继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>There is nothing to set. What the network sees in each picture is computed once; then several linear classifiers are worked out from it, and the one that is best on pictures it did not learn from becomes the model. That takes seconds, and with few pictures it is usually better than anything slower.</source>
   <translation>没有需要设置的内容。网络在每张图片中看到的内容只计算一次；然后由此得出多个线性分类器，其中在未学习过的图片上最好的成为模型。这只需几秒，图片不多时通常优于任何更慢的方法。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Train the last layer step by step instead</source>
   <translation>改为逐步训练最后一层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Uneven classes</source>
   <translation>不均衡的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Weight decay</source>
   <translation>权重衰减</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>What counts as an error, and how much.</source>
   <translation>什么算作误差，以及算多少。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>What to do where one class has many more pictures.</source>
   <translation>某个类别的图片多得多时如何处理。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Which epoch counts</source>
   <translation>以哪一轮为准</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Write TensorBoard logs into the run's folder</source>
   <translation>将 TensorBoard 日志写入训练的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>never</source>
   <translation>从不</translation>
  </message>
 </context>
 <context>
  <name>SetupPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source> and {0} more</source>
   <translation> 以及另外 {0} 项</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Choose…</source>
   <translation>选择…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation>评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Match class names…</source>
   <translation>对应类别名称…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Model</source>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open the kept result</source>
   <translation>打开保存的结果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Other folder…</source>
   <translation>其他文件夹…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Reading the folder</source>
   <translation>正在读取文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation>拆分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Split of the data</source>
   <translation>数据划分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>What Fovea noticed about this data</source>
   <translation>Fovea 对此数据的发现</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>all of them</source>
   <translation>全部</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>{0} images in {1} classes: {2}</source>
   <translation>{0} 张图片，{1} 个类别：{2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>• and {0} more</source>
   <translation>• 以及另外 {0} 项</translation>
  </message>
 </context>
 <context>
  <name>Shell</name>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>A file that is opened from the desktop will not come to this window: no connection for it could be made. Drop it here instead.</source>
   <translation>从桌面打开的文件不会传到此窗口：无法为其建立连接。请改为拖放到这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Fovea is running already, but does not answer.</source>
   <translation>Fovea 已在运行，但没有响应。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Wait until its window answers, or end it, then try again. Nothing was opened.</source>
   <translation>请等到其窗口有响应，或结束它，然后重试。没有打开任何内容。</translation>
  </message>
 </context>
 <context>
  <name>ShortcutsDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Filter by key or by what it does</source>
   <translation>按按键或功能筛选</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Filter the shortcuts</source>
   <translation>筛选快捷键</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Key</source>
   <translation>按键</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Keyboard Shortcuts</source>
   <translation>键盘快捷键</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Keyboard shortcuts</source>
   <translation>键盘快捷键</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>What it does</source>
   <translation>功能</translation>
  </message>
 </context>
 <context>
  <name>SortDialog</name>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>A folder for each answer</source>
   <translation>每个答案一个文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Also what is not its kind, or not sure, into folders of their own</source>
   <translation>不属于其类型或不确定的图片也放入单独的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Choose…</source>
   <translation>选择…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Copy into folders</source>
   <translation>复制到文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Copy {0} pictures</source>
   <translation>复制 {0} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Folder</source>
   <translation>文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>If the name is taken</source>
   <translation>名称已被占用时</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Lowest score</source>
   <translation>最低得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Move into folders</source>
   <translation>移动到文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Move {0} pictures</source>
   <translation>移动 {0} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Names</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Only scores of at least</source>
   <translation>仅限得分不低于</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Progress</source>
   <translation>进度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Rename where they are</source>
   <translation>就地重命名</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Rename {0} pictures</source>
   <translation>重命名 {0} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Sort by Answer</source>
   <translation>按答案整理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Stop</source>
   <translation>停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Take it back</source>
   <translation>撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>The folder that shall hold the folders of the answers</source>
   <translation>存放各答案文件夹的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>What will happen</source>
   <translation>将要执行的操作</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Where the Folders Are to Be</source>
   <translation>各文件夹放在哪里</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>leave the picture</source>
   <translation>不动该图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>number the new one</source>
   <translation>给新图片编号</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} done. It can be taken back here, later under Edit › Files Sorted…</source>
   <translation>已完成 {0} 个。可在此处撤回；以后撤回：编辑 › 已整理的文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} pictures get a new name.</source>
   <translation>{0} 张图片将获得新名称。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} pictures go into one folder.</source>
   <translation>{0} 张图片将放入一个文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} pictures go into {1} folders.</source>
   <translation>{0} 张图片将放入 {1} 个文件夹。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} taken back.</source>
   <translation>已撤回 {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} were left: {1}</source>
   <translation>{0} 个未处理：{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{name} is the name so far; {answer}, {score}, {number} and {model} are filled in for each.</source>
   <translation>{name} 是现有名称；{answer}、{score}、{number} 和 {model} 会为每张图片分别填入。</translation>
  </message>
  <message>
   <source>{0} done. It can be taken back here, and later under Edit › Files Sorted….</source>
   <translation type="vanished">已完成 {0} 个。可在此处撤回，以后也可在“编辑 › 已整理的文件…”中撤回。</translation>
  </message>
  <message>
   <source>{name} is the name so far, {answer}, {score}, {number} and {model} say what they say.</source>
   <translation type="vanished">{name} 是现有名称，{answer}、{score}、{number} 和 {model} 的含义如其字面。</translation>
  </message>
 </context>
 <context>
  <name>SortFiles</name>
  <message>
   <location filename="../../desktop/ui/teach/sort_files.py" />
   <source>Sort the Files by Label</source>
   <translation>按标签整理文件</translation>
  </message>
 </context>
 <context>
  <name>SortLog</name>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>(from memory)</source>
   <translation>（来自内存）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Commands</source>
   <translation>命令</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Done</source>
   <translation>已完成</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Files Sorted</source>
   <translation>已整理的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Files of the command</source>
   <translation>该命令涉及的文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Fovea copies, moves and renames files only on your command. Each command is listed here.</source>
   <translation>Fovea 只按你的命令复制、移动和重命名文件。每条命令都列在这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>From</source>
   <translation>从</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Left</source>
   <translation>未处理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>No files have been copied, moved or renamed yet.</source>
   <translation>尚未复制、移动或重命名任何文件。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状态</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Take it back</source>
   <translation>撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Taken back</source>
   <translation>已撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>To</source>
   <translation>到</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>What</source>
   <translation>操作</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>When</source>
   <translation>时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>and {0} more</source>
   <translation>以及另外 {0} 个</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>done</source>
   <translation>已完成</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>left</source>
   <translation>未处理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>not done</source>
   <translation>未执行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>taken back</source>
   <translation>已撤回</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>{0} were left: {1}</source>
   <translation>{0} 个未处理：{1}</translation>
  </message>
 </context>
 <context>
  <name>SplitPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Check</source>
   <extracomment>A page of the wizard: how many pictures are kept aside to check the network with (validation).</extracomment>
   <translation>检查</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Checked with</source>
   <translation>检查所用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Details</source>
   <translation>详细信息</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Draw differently</source>
   <extracomment>Choose other pictures by chance.</extracomment>
   <translation>重新抽取</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>How many pictures are kept aside to check it?</source>
   <translation>留出多少图片用于检查？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>It never learns from these. After every epoch they show how well it does on pictures it has not seen; they also choose the best epoch and set how sure it may sound.</source>
   <translation>它从不学习这些图片。每轮之后，它们显示模型在没见过的图片上表现如何；它们还用于选出最佳轮，并确定它的语气可以有多肯定。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Keep all pictures of one person on one side (recommended)</source>
   <translation>将同一人的所有图片放在同一侧（推荐）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Learns from</source>
   <translation>用于学习</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>No picture is left to check {0}: all of its pictures belong together (copies, or of one person), so they stay on one side. Whether it knows this class will not be known.</source>
   <translation>没有图片可用于检查 {0}：其所有图片属于一体（副本或同一人的），因此都在同一侧。它是否认识此类别将无从得知。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>None is lost: the pictures are divided into five parts, each is checked by a head that learned from the other four (cross-validation), and the model then learns from all of them. The figures count them all.</source>
   <translation>没有图片浪费：图片分为五份，每份由一个从其余四份学习的分类头检查（交叉验证），然后模型从全部图片学习。指标涵盖所有图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Only 1 picture is left to check the smallest class: no figure can be given for it.</source>
   <translation>只剩 1 张图片用于检查最小的类别：无法给出其指标。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Only {0} pictures are left to check the smallest class: under 20, no figure can be given for it.</source>
   <translation>只剩 {0} 张图片用于检查最小的类别：少于 20 张，无法给出其指标。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Open the data's own test split once, at the end, for the model's card</source>
   <translation>最后打开一次数据自带的测试集，用于模型卡片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Pictures of each class on either side</source>
   <translation>两侧各类别的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Seed</source>
   <translation>随机种子</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Seed of the draw</source>
   <extracomment>The number that the random choice of pictures begins from.</extracomment>
   <translation>抽取的随机种子</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Share kept aside, in percent</source>
   <translation>留出比例（百分比）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The data brings its own pictures for checking; those are used.</source>
   <translation>数据自带用于检查的图片；将使用它们。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The names of files or folders (or DICOM headers) tell {0} people or cases apart, several with more than one picture. With pictures of one person on both sides the check would be too kind.</source>
   <translation>文件名或文件夹名（或 DICOM 头信息）区分出 {0} 个人或病例，其中一些有不止一张图片。若同一人的图片分在两侧，检查就会过于宽松。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The same seed draws the same pictures and starts from the same weights, so a training can be repeated. The lists are kept with the run.</source>
   <translation>相同的随机种子抽取相同的图片，并从相同的权重开始，因此训练可以重复。名单随训练一起保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>every picture is used once for checking</source>
   <translation>每张图片都有一次用于检查</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>{0} % · about {1} pictures</source>
   <translation>{0} % · 约 {1} 张图片</translation>
  </message>
 </context>
 <context>
  <name>Stack</name>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>1 file held a frame once more and was left out</source>
   <translation>有 1 个文件重复了某一帧，已略去</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>1 frame is missing, as the others' {1} tell</source>
   <translation>从其余帧的{1}看，缺少 1 帧</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>Series {0}</source>
   <translation>序列 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>Study {0}, {1}</source>
   <translation>检查 {0}，{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>numbers</source>
   <translation>编号</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>ordered by file names: several frames have the same number, and no places</source>
   <translation>按文件名排序：多个帧编号相同，且没有位置</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>ordered by number: the files name no places</source>
   <translation>按编号排序：文件没有给出位置</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>places</source>
   <translation>位置</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0} files held a frame once more and were left out</source>
   <translation>有 {0} 个文件重复了某一帧，已略去</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0} frames are missing, as the others' {1} tell</source>
   <translation>从其余帧的{1}看，缺少 {0} 帧</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0} series {1}</source>
   <translation>{0} 序列 {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0}, frame {1}</source>
   <translation>{0}，第 {1} 帧</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0}, part {1} of {2}</source>
   <translation>{0}，第 {1} 部分，共 {2} 部分</translation>
  </message>
 </context>
 <context>
  <name>Starter</name>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Open a Labelled Folder</source>
   <translation>打开带标签的文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Start from a Plan File</source>
   <translation>从方案文件开始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>The model that came of this training is not there any more; repeat it.</source>
   <translation>这项训练得到的模型已不存在；请重复训练。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Training plans (*.json)</source>
   <translation>训练方案 (*.json)</translation>
  </message>
 </context>
 <context>
  <name>StartingPointPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>As before</source>
   <translation>与之前相同</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Epochs for the new last layer alone</source>
   <translation>仅训练新的最后一层的轮数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Features of the layer</source>
   <translation>该层的特征</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Its author reports: {0}.</source>
   <translation>其作者报告：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Kind</source>
   <translation>类型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layer</source>
   <translation>层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layer whose features are used</source>
   <translation>使用其特征的层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layers of the network</source>
   <translation>网络的各层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layers tuned, from the end</source>
   <translation>从末端起微调的层数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Made for: {0}.</source>
   <translation>用途：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Network</source>
   <translation>网络</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Output</source>
   <translation>输出</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Parameters</source>
   <translation>参数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Published systems</source>
   <translation>已发表的网络</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Recommended</source>
   <translation>推荐</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Starting points</source>
   <translation>起点</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>The recommended one suits your pictures. The others are for comparing, or for building upon a model.</source>
   <translation>推荐的起点适合你的图片。其他起点用于比较，或用于在某个模型的基础上继续。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>The settings of the training '{0}'.</source>
   <translation>训练“{0}”的设置。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Where should it start?</source>
   <translation>从哪里开始？</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>its last spatial map</source>
   <translation>其最后的空间特征图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>what its last layer gets (recommended)</source>
   <translation>其最后一层的输入（推荐）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>{0} parameters · about {1} MB of memory while it learns</source>
   <translation>{0} 个参数 · 学习时约占 {1} MB 内存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>{0} tells {1} classes apart; the new model will know only the {2} of your data. It can no longer answer: {3}. To keep them, add pictures of each to your data.</source>
   <translation>{0} 可区分 {1} 个类别；新模型只会认识你数据中的 {2} 个。它将不能再回答：{3}。要保留它们，请在数据中加入各自的图片。</translation>
  </message>
 </context>
 <context>
  <name>StepList</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Step {0} of {1}: {2}</source>
   <translation>第 {0} 步，共 {1} 步：{2}</translation>
  </message>
 </context>
 <context>
  <name>Strip</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Pictures of the heap</source>
   <translation>该堆的图片</translation>
  </message>
 </context>
 <context>
  <name>Suiting</name>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like a chest X-ray.</source>
   <translation>这看起来像胸部 X 线片。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like a handwritten digit.</source>
   <translation>这看起来像手写数字。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like an everyday photo.</source>
   <translation>这看起来像日常照片。</translation>
  </message>
 </context>
 <context>
  <name>SummaryPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source> · at most {0} of them are learned from</source>
   <translation> · 最多用其中 {0} 张学习</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source> · {0} left out</source>
   <translation> · 略去 {0} 张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>'fovea train --plan FILE' follows it in the terminal</source>
   <translation>在终端中用 'fovea train --plan FILE' 执行该方案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>1 epoch</source>
   <translation>1 轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Checked with</source>
   <translation>检查所用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Input</source>
   <translation>输入</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Learning</source>
   <extracomment>A page of the wizard: how long and how fast the network learns.</extracomment>
   <translation>学习</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Name of the model</source>
   <translation>模型的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Network</source>
   <translation>网络</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>On the command line: {0}</source>
   <translation>命令行：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Ready to learn</source>
   <translation>准备就绪，可以学习</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Save as a plan file…</source>
   <translation>保存为方案文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Save the Plan</source>
   <translation>保存方案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Start</source>
   <translation>起点</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>The plan was not written ({0}).</source>
   <translation>方案未写入（{0}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Training goes on in the background while you work; you can pause it, stop it, close Fovea and take it up again. The model then stands beside the others.</source>
   <translation>训练在后台进行，你可以继续工作；可以暂停、停止，也可关闭 Fovea 后再继续。完成后，模型与其他模型并列。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Variety</source>
   <extracomment>A page of the wizard: changes made to training pictures (data augmentation).</extracomment>
   <translation>变化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>a new last layer on top of {0}</source>
   <translation>在 {0} 之上加一个新的最后一层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>all of them, each by a last layer that did not learn from it (cross-validation)</source>
   <translation>全部图片，每张都由未学习过它的最后一层检查（交叉验证）</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>colour</source>
   <translation>彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>cut from the middle</source>
   <translation>从中央裁剪</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>goes on with the model {0}</source>
   <translation>在模型 {0} 的基础上继续</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>ink found and centred</source>
   <translation>找到笔迹并居中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>stretched</source>
   <translation>拉伸</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>the data's own validation pictures</source>
   <translation>数据自带的验证图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>whole picture, padded</source>
   <translation>整张图片，填充边缘</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>worked out in {0} ways, the best one is kept; takes seconds</source>
   <translation>以 {0} 种方式得出，保留最好的一个；只需几秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0} epochs</source>
   <translation>{0} 轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0} of them, about {1} pictures, drawn with the seed {2}</source>
   <translation>其中 {0}，约 {1} 张图片，以随机种子 {2} 抽取</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, batches of {1}, {2} at a rate of {3}</source>
   <translation>{0}，批次大小 {1}，{2}，学习率 {3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, its last layer tuned</source>
   <translation>{0}，微调其最后一层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, its last {1} layers tuned</source>
   <translation>{0}，微调其最后 {1} 层</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}: {1} pictures in {2} classes ({3})</source>
   <translation>{0}：{1} 张图片，{2} 个类别（{3}）</translation>
  </message>
 </context>
 <context>
  <name>Table</name>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>95 % interval</source>
   <translation>95 % 区间</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>About</source>
   <extracomment>Before a text on a model's card: what the model does.</extracomment>
   <translation>说明</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Answer</source>
   <extracomment>How the answer follows from the scores.</extracomment>
   <translation>答案</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Credits</source>
   <extracomment>Who is to be named as author of data and methods.</extracomment>
   <translation>署名</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>FAILED</source>
   <translation>失败</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Fails on</source>
   <translation>易错处</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>For</source>
   <extracomment>Before a text on a model's card: what it is intended for.</extracomment>
   <translation>用于</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Input</source>
   <translation>输入</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Labels</source>
   <translation>标签</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Limits</source>
   <translation>局限</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Measured</source>
   <translation>测量</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Must not</source>
   <translation>不得</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Network</source>
   <translation>网络</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Notice</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Numbers</source>
   <extracomment>What the numbers beside answers are called.</extracomment>
   <translation>数字</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>STOPS TRAINING</source>
   <translation>阻止训练</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状态</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Trained on</source>
   <translation>训练数据</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>accuracy</source>
   <translation>准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>answer</source>
   <translation>答案</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>answers</source>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>begun</source>
   <extracomment>When a training was begun.</extracomment>
   <translation>开始时间</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>best</source>
   <extracomment>The best value found by a search.</extracomment>
   <translation>最佳</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>caution</source>
   <translation>注意</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>check</source>
   <translation>检查</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>class</source>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>colour</source>
   <translation>彩色</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>colours</source>
   <translation>色彩</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>component</source>
   <translation>组件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>damaged</source>
   <translation>已损坏</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>device</source>
   <translation>设备</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>done</source>
   <translation>已完成</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>epoch</source>
   <translation>轮</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>epochs</source>
   <translation>轮数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>failed</source>
   <translation>失败</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>figure</source>
   <translation>指标</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>file</source>
   <translation>文件</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>fingerprint</source>
   <translation>指纹</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>formats</source>
   <translation>格式</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>from</source>
   <extracomment>Head of a column: where a model comes from, from Fovea or from the user.</extracomment>
   <translation>来自</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>grey</source>
   <translation>灰度</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>hint</source>
   <translation>提示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>id</source>
   <translation>标识</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>images</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>input</source>
   <translation>输入</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>installed</source>
   <translation>已安装</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>interrupted</source>
   <translation>被中断</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>kind</source>
   <translation>类型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>labels</source>
   <translation>标签</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>licence</source>
   <translation>许可证</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>loss</source>
   <translation>损失</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>made for</source>
   <translation>用于</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>message</source>
   <translation>消息</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>model</source>
   <translation>模型</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>model score</source>
   <translation>模型得分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>ms</source>
   <translation>毫秒</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>name</source>
   <translation>名称</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>net</source>
   <translation>网络</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>next</source>
   <extracomment>Head of a column: the classes with the next highest scores.</extracomment>
   <translation>次高</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>no</source>
   <translation>否</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>not installed</source>
   <translation>未安装</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>note</source>
   <translation>备注</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>ok</source>
   <translation>正常</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>parameters</source>
   <translation>参数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>parent</source>
   <extracomment>The training that this one went on from.</extracomment>
   <translation>承接自</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>paused</source>
   <translation>已暂停</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>people</source>
   <extracomment>How many people the pictures show, as far as names of files tell.</extracomment>
   <translation>人数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>precision</source>
   <translation>精确率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>preset</source>
   <translation>预设</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>probability</source>
   <translation>概率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>pruned</source>
   <extracomment>A trial of a search that was ended early.</extracomment>
   <translation>提前结束</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>queued</source>
   <translation>排队中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>ready</source>
   <translation>就绪</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>recall</source>
   <translation>召回率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>run</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>running</source>
   <translation>进行中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>search</source>
   <translation>搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>seconds</source>
   <translation>秒</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>size</source>
   <translation>大小</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>specificity</source>
   <translation>特异度</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>state</source>
   <translation>状态</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>stopped</source>
   <translation>已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>the plans differ in</source>
   <translation>方案的差异</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>time</source>
   <translation>时间</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>training</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>trial</source>
   <translation>试验</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>trials</source>
   <translation>试验</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>truth \ answer</source>
   <translation>真实类别 \ 答案</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>val_accuracy</source>
   <translation>验证准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>val_balanced_accuracy</source>
   <translation>验证平衡准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>val_loss</source>
   <translation>验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>validation</source>
   <translation>验证</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>value</source>
   <translation>数值</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>version</source>
   <translation>版本</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>weights</source>
   <translation>权重</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>weights not installed</source>
   <translation>未安装权重</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>what it is</source>
   <translation>是什么</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>yes</source>
   <translation>是</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>you</source>
   <extracomment>In the column 'from': the user made or brought it in.</extracomment>
   <translation>你</translation>
  </message>
 </context>
 <context>
  <name>TeachCamera</name>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source> a second</source>
   <translation> 次/秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Frames a second</source>
   <translation>每秒帧数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Hold a class's key, or its button, to record what the camera sees as that class.</source>
   <translation>按住类别的按键或按钮，将摄像头所见录制为该类别。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Hold to record {0}</source>
   <translation>按住以录制 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Leave out frames that are nearly alike</source>
   <translation>略去几乎相同的帧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Recording “{0}”…</source>
   <translation>正在录制“{0}”…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>The camera is off: turn it on first.</source>
   <translation>摄像头已关闭：请先打开。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Type the name of a class at the left first; then hold its key here.</source>
   <translation>请先在左侧输入类别名称；然后在此按住其按键。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>{0} frames were kept.</source>
   <translation>已保存 {0} 帧。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>{0} were nearly the one before and left out.</source>
   <translation>{0} 帧与前一帧几乎相同，已略去。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>“{0}”: {1} frames</source>
   <translation>“{0}”：{1} 帧</translation>
  </message>
 </context>
 <context>
  <name>TeachStart</name>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Begin with a folder…</source>
   <translation>从文件夹开始…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Drop unsorted pictures or folders here, say what a few of them are, and Fovea suggests the rest. Your files stay where they are and are never changed; nothing leaves this computer.</source>
   <translation>将未整理的图片或文件夹拖放到这里，说明其中几张是什么，Fovea 便会对其余的给出建议。你的文件留在原处，绝不会被改动；没有任何内容离开这台计算机。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>New project…</source>
   <translation>新建项目…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Teach Fovea to tell your pictures apart</source>
   <translation>教 Fovea 区分你的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Your projects</source>
   <translation>你的项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>{0}:  {1} of {2} pictures labelled, {3} classes, {4}</source>
   <translation>{0}：  已标注 {1} / {2} 张图片，{3} 个类别，{4}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>{0}: cannot be opened ({1})</source>
   <translation>{0}：无法打开（{1}）</translation>
  </message>
 </context>
 <context>
  <name>TeachView</name>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>A Folder of Pictures</source>
   <translation>图片文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Add Pictures</source>
   <translation>添加图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>All {0} pictures were here already.</source>
   <translation>全部 {0} 张图片此前已在这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Delete…</source>
   <translation>删除…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Done again: {0}.</source>
   <translation>已重做：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Drop pictures, folders or archives to add them to “{0}”</source>
   <translation>拖入图片、文件夹或压缩包，将其添加到“{0}”</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Drop pictures, folders or archives to begin a project with them</source>
   <translation>拖入图片、文件夹或压缩包，用其新建项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Duplicate</source>
   <translation>复制副本</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Find moved pictures…</source>
   <translation>查找被移动的图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Make it a model…</source>
   <translation>做成模型…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Name of the project</source>
   <translation>项目名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>New Project</source>
   <translation>新建项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>No pictures were found there. Fovea reads JPEG, PNG, TIFF, HEIC, WebP, DICOM and more.</source>
   <translation>那里没有找到图片。Fovea 可读取 JPEG、PNG、TIFF、HEIC、WebP、DICOM 等格式。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Rename the Project</source>
   <translation>重命名项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Rename…</source>
   <translation>重命名…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Sort the files by label…</source>
   <translation>按标签整理文件…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Teach</source>
   <translation>示教</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>The project “{0}” is back.</source>
   <translation>项目“{0}”已恢复。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Undone: {0}.</source>
   <translation>已撤销：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>a change of the classes</source>
   <translation>更改类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>adding {0} pictures</source>
   <translation>添加 {0} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>importing {0} labels</source>
   <translation>导入 {0} 个标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>labelling {0} pictures</source>
   <translation>标注 {0} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>merging a class of {0} pictures</source>
   <translation>合并一个有 {0} 张图片的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>removing {0} pictures</source>
   <translation>移除 {0} 张图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>starring {0} pictures</source>
   <translation>给 {0} 张图片加星标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>taking back {0} labels</source>
   <translation>撤回 {0} 个标签</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} pictures were added.</source>
   <translation>已添加 {0} 张图片。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} pictures were added; {1} were here already.</source>
   <translation>已添加 {0} 张图片；{1} 张此前已在这里。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} places could not be read.</source>
   <translation>{0} 处无法读取。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>“{0}” was deleted; Undo brings it back. Your files were not touched.</source>
   <translation>“{0}”已删除；“撤销”可恢复。你的文件未被改动。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>“{0}” was duplicated.</source>
   <translation>“{0}”已复制。</translation>
  </message>
 </context>
 <context>
  <name>ThisIsA</name>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>A model that is taught by this project learns from it. The picture itself is not changed or copied.</source>
   <translation>由此项目教出的模型会从中学习。图片本身不会被更改或复制。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>A new project</source>
   <translation>新项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Add</source>
   <translation>添加</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Add to the project</source>
   <translation>添加到项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Corrections</source>
   <translation>更正</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>It is a</source>
   <translation>它是</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Its right class</source>
   <translation>它的正确类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Its right class, an old or a new one</source>
   <translation>它的正确类别，已有的或新的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Name of the new project</source>
   <translation>新项目的名称</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Teach project</source>
   <translation>示教项目</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>This Is a…</source>
   <translation>这是…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>{0} pictures</source>
   <translation>{0} 张图片</translation>
  </message>
 </context>
 <context>
  <name>ThresholdBar</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>'{0}' from a score of</source>
   <translation>得分达到此值起为“{0}”</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Choose for me</source>
   <translation>替我选择</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Largest sensitivity + specificity (Youden)</source>
   <translation>灵敏度 + 特异度最大 (Youden)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Sensitivity of {0} % or more</source>
   <translation>灵敏度不低于 {0} %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Specificity of {0} % or more</source>
   <translation>特异度不低于 {0} %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>The model's own decision</source>
   <translation>模型自身的判定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Threshold</source>
   <translation>阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Threshold as a number</source>
   <translation>以数字表示的阈值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>chosen by hand on this data</source>
   <translation>在此数据上手动选定</translation>
  </message>
 </context>
 <context>
  <name>Tools</name>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Delete</source>
   <translation>删除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Eraser</source>
   <translation>橡皮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Export the drawing…</source>
   <translation>导出绘图…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>For pens of graphics tablets and touch screens</source>
   <translation>适用于数位板和触摸屏的笔</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>New sheet</source>
   <translation>新画纸</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Pen</source>
   <extracomment>A tool to draw with.</extracomment>
   <translation>画笔</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Pen pressure changes the width</source>
   <translation>笔压改变笔宽</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Picture below the strokes…</source>
   <translation>笔画下方的图片…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Redo</source>
   <translation>重做</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Take the picture below away</source>
   <translation>去掉下方的图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Thick</source>
   <translation>粗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Thin</source>
   <translation>细</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Undo</source>
   <translation>撤销</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Width of the stroke</source>
   <translation>笔画宽度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>{0} % of the sheet</source>
   <translation>画纸的 {0} %</translation>
  </message>
 </context>
 <context>
  <name>Train</name>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Begun</source>
   <extracomment>When a training was begun.</extracomment>
   <translation>开始时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Calibrating the scores</source>
   <translation>正在校准得分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cancelled</source>
   <translation>已取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cancelling…</source>
   <translation>正在取消…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Computing features</source>
   <translation>正在计算特征</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cut off</source>
   <translation>被中断</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cut off after {0} of {1} epochs</source>
   <translation>在 {0} / {1} 轮之后被中断</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Data</source>
   <translation>数据</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Device</source>
   <translation>设备</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Done</source>
   <translation>已完成</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Done, the model is ready</source>
   <translation>已完成，模型已就绪</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Epoch {0} of {1}</source>
   <translation>第 {0} / {1} 轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Epochs</source>
   <translation>轮数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Evaluating</source>
   <translation>正在评估</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Exporting the model</source>
   <translation>正在导出模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Failed</source>
   <translation>失败</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Measuring where it can be trusted</source>
   <translation>正在测量它在何处可信</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Paused</source>
   <translation>已暂停</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Paused in epoch {0} of {1}</source>
   <translation>在第 {0} / {1} 轮暂停</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Pausing after this batch…</source>
   <translation>本批次后暂停…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Preparing the images</source>
   <translation>正在预处理图片</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Preset</source>
   <extracomment>A ready-made set of settings for a training.</extracomment>
   <translation>预设</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Run</source>
   <extracomment>One training with its plan, curves and figures, as it is kept.</extracomment>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Running</source>
   <translation>进行中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Runs</source>
   <extracomment>Trainings that are kept, with their plans, curves and figures.</extracomment>
   <translation>训练记录</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Starting…</source>
   <translation>正在启动…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状态</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopped</source>
   <translation>已停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopped after {0} of {1} epochs</source>
   <translation>在 {0} / {1} 轮之后停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopping after epoch {0}…</source>
   <translation>第 {0} 轮后停止…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopping, keeping what it learned…</source>
   <translation>正在停止并保留所学…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Time spent</source>
   <translation>已用时间</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation accuracy</source>
   <translation>验证准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation loss</source>
   <translation>验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waiting</source>
   <translation>等待中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waiting for its turn</source>
   <translation>等待轮到它</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waits since Fovea was closed</source>
   <translation>自 Fovea 关闭起等待</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Writing the model</source>
   <translation>正在写入模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>a moment left</source>
   <translation>还剩片刻</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>about {0} left</source>
   <translation>还剩约 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>best epoch: {0}</source>
   <translation>最佳轮：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the best epoch</source>
   <translation>最佳轮的值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the finished model</source>
   <translation>完成的模型的值</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>{0} – best</source>
   <translation>{0} – 最佳</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>{0}: {1} of {2}</source>
   <translation>{0}：{1} / {2}</translation>
  </message>
  <message>
   <source>Stopping, keeping a checkpoint…</source>
   <translation type="vanished">正在停止，保留检查点…</translation>
  </message>
 </context>
 <context>
  <name>TrainView</name>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>A search varies the settings of a training. Make a training first; it may be short.</source>
   <translation>搜索会变动某项训练的设置。请先做一次训练；可以很短。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Drop a folder of class folders, or a training plan, to train a model</source>
   <translation>拖入含各类别文件夹的文件夹或训练方案，以训练模型</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Fovea closes when the running epoch is done and its model is in the store.</source>
   <translation>当前轮完成且其模型存入模型库后，Fovea 即关闭。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Runs</source>
   <extracomment>Trainings that are kept, with their plans, curves and figures.</extracomment>
   <translation>训练记录</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Searches</source>
   <translation>搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>The training “{0}” ended: {1}</source>
   <translation>训练“{0}”已结束：{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings were taken up again, as you asked: {0}.</source>
   <translation>已按你的要求继续训练：{0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings, runs and searches</source>
   <translation>训练、训练记录和搜索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” goes on where it was: after epoch {1} of {2}.</source>
   <translation>“{0}”从原处继续：第 {1} / {2} 轮之后。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” is back among the runs.</source>
   <translation>“{0}”已恢复到训练记录中。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” is trained and can now be chosen as a model.</source>
   <translation>“{0}”已训练完成，现在可作为模型选用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” was deleted. Undo brings it back, for thirty days.</source>
   <translation>“{0}”已删除。三十天内“撤销”可恢复。</translation>
  </message>
 </context>
 <context>
  <name>TrainingTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Accuracy</source>
   <translation>准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Epoch</source>
   <translation>轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures by epoch</source>
   <translation>各轮的指标</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Seconds</source>
   <translation>秒数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>This model came without the story of its training.</source>
   <translation>此模型没有附带训练经过。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Validation accuracy</source>
   <translation>验证准确率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Validation loss</source>
   <translation>验证损失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>epoch</source>
   <translation>轮</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>training</source>
   <translation>训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>validation</source>
   <translation>验证</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">检查时间</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">来源</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">署名</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">许可证</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">网络</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">参数</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">所报告的</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">下载大小</translation>
  </message>
 </context>
 <context>
  <name>TrainingWizard</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Back</source>
   <extracomment>Button of a wizard: the page before.</extracomment>
   <translation>上一步</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Help</source>
   <translation>帮助</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>New Training</source>
   <translation>新建训练</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Next</source>
   <translation>下一步</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Start training</source>
   <translation>开始训练</translation>
  </message>
 </context>
 <context>
  <name>TruthPanel</name>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>A button or its key keeps the drawing, with its true label, for training.</source>
   <translation>用按钮或其按键保存绘图及其真实标签，供训练使用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Keep the drawing as {0}</source>
   <translation>将绘图保存为 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Keep the drawing with its true label</source>
   <translation>连同真实标签保存绘图</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>None kept yet.</source>
   <translation>尚未保存。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Open the folder</source>
   <translation>打开该文件夹</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Take the last one back</source>
   <translation>撤回上一张</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>That was a {0}</source>
   <extracomment>The user says which digit a drawing was meant to be.</extracomment>
   <translation>那是 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>That was a …</source>
   <extracomment>The user says which digit a drawing was meant to be; buttons 0 to 9 follow.</extracomment>
   <translation>那是…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>{0} kept ({1})</source>
   <extracomment>Number of drawings kept, and how many of each digit.</extracomment>
   <translation>已保存 {0} 张（{1}）</translation>
  </message>
 </context>
 <context>
  <name>UpdatesDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>&amp;Address</source>
   <translation>地址(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Address of the update file</source>
   <translation>更新文件的地址</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Cancel the check</source>
   <translation>取消检查</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Check &amp;now</source>
   <translation>立即检查(&amp;N)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Check for Updates</source>
   <translation>检查更新</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Files and their checksums: {0}</source>
   <translation>文件及其校验和：{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Fovea never looks for updates by itself. When you ask, it reads one small file at the address below and tells you what it says. Nothing about you, this computer or your pictures is sent.</source>
   <translation>Fovea 从不自行查找更新。当你要求时，它会读取下方地址的一个小文件，并告诉你其中的内容。不会发送关于你、这台计算机或你的图片的任何信息。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Fovea {0} of {1} is newer than this one.</source>
   <translation>{1} 的 Fovea {0} 比这个新。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Reading the update file</source>
   <translation>正在读取更新文件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>The check was cancelled.</source>
   <translation>检查已取消。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>This is Fovea {0}.</source>
   <translation>这是 Fovea {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>This is the newest version that the file tells of ({0}).</source>
   <translation>这是该文件所述的最新版本（{0}）。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>https://… (empty: off)</source>
   <translation>https://…（留空：关闭）</translation>
  </message>
 </context>
 <context>
  <name>WhyBar</name>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Ask again</source>
   <translation>重新计算</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Asking the network… The first time this takes a little longer.</source>
   <translation>正在询问网络… 第一次会稍久一些。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright areas point towards “{0}”.</source>
   <translation>明亮区域指向“{0}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright areas point towards “{0}”. The network takes each feature where it is strongest, so single spots count.</source>
   <translation>明亮区域指向“{0}”。网络在每个特征最强之处取值，因此单个点也会起作用。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright: covering this part lowers the score of “{0}”.</source>
   <translation>明亮：遮住此部分会降低“{0}”的得分。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancelled before a map was there.</source>
   <translation>在得出热力图之前已取消。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancelled: {0} of {1} parts were covered, the others not.</source>
   <translation>已取消：遮盖了 {1} 个部分中的 {0} 个，其余未遮盖。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Class to explain</source>
   <translation>要解释的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Covering one part after the other: {0} of {1}</source>
   <translation>正在逐一遮盖各部分：{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Covering parts</source>
   <extracomment>A method: parts of the picture are covered one after the other (occlusion).</extracomment>
   <translation>遮盖法</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Found by</source>
   <extracomment>By which method the map was found that shows where the network looked.</extracomment>
   <translation>方法</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Gradients (Grad-CAM)</source>
   <translation>梯度法 (Grad-CAM)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>How to find out</source>
   <translation>如何找出</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>How to find out where the network looked</source>
   <translation>如何找出网络看了哪里</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>It shows where the network looked, not whether it is right.</source>
   <translation>它显示网络看了哪里，而不是答案是否正确。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Its own map (CAM)</source>
   <extracomment>A method: class activation mapping.</extracomment>
   <translation>网络自身的图 (CAM)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Looking…</source>
   <translation>正在查找…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Nothing in the picture points towards “{0}”.</source>
   <translation>图片中没有任何内容指向“{0}”。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Overlay</source>
   <extracomment>How strongly the heat map covers the picture.</extracomment>
   <translation>叠加</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Shown on what the network saw, at the right: the ink was moved and scaled.</source>
   <translation>显示在右侧网络实际所见的图上：笔迹经过移动和缩放。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Strength of the overlay</source>
   <translation>叠加强度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>The class that the bright places point towards</source>
   <translation>明亮处所指向的类别</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>The map is coarse: {0} × {1} places.</source>
   <translation>这张热力图较粗：{0} × {1} 个位置。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Where the network looked</source>
   <translation>网络看了哪里</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation>无</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>points most towards the class</source>
   <translation>最指向该类别</translation>
  </message>
  <message>
   <source>Asking the network for gradients… The first time TensorFlow is loaded for it.</source>
   <translation type="vanished">正在向网络请求梯度… 首次使用时会为此加载 TensorFlow。</translation>
  </message>
 </context>
 <context>
  <name>_Cards</name>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">已损坏：{0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">没有自己的类别</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">已安装</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">已安装，可在其基础上继续</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未安装</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未安装 · 需下载 {0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">尚未制作 · 无需下载</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未测量</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">随 Fovea 提供</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">你的模型</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0} 个类别</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} 彩色</translation>
  </message>
 </context>
 <context>
  <name>_CellDelegate</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>共 {0}</translation>
  </message>
 </context>
 <context>
  <name>_Combo</name>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Choose a model</source>
   <translation>选择模型</translation>
  </message>
 </context>
 <context>
  <name>_Delegate</name>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">已损坏：{0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">没有自己的类别</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">已安装</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">已安装，可在其基础上继续</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未安装</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未安装 · 需下载 {0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">尚未制作 · 无需下载</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未测量</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">随 Fovea 提供</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">你的模型</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0} 个类别</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} 彩色</translation>
  </message>
 </context>
 <context>
  <name>_Enlarged</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>What the network saw</source>
   <translation>网络所见</translation>
  </message>
 </context>
 <context>
  <name>_JobDelegate</name>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最佳轮：{0}</translation>
  </message>
 </context>
 <context>
  <name>_Pictures</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} pictures</source>
   <translation>{0} 张图片</translation>
  </message>
 </context>
 <context>
  <name>_Pixels</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Click to enlarge</source>
   <translation>单击放大</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Enlarge what the network saw</source>
   <translation>放大网络所见</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Nothing yet</source>
   <translation>还没有内容</translation>
  </message>
 </context>
 <context>
  <name>_Row</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>类别名称</translation>
  </message>
 </context>
 <context>
  <name>_TurnedHeader</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>共 {0}</translation>
  </message>
 </context>
 <context>
  <name>argparse</name>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>ambiguous option: %(option)s could match %(matches)s</source>
   <translation>选项不明确：%(option)s 可能是 %(matches)s</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>argument %(argument_name)s: %(message)s</source>
   <translation>参数 %(argument_name)s：%(message)s</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>expected at least one argument</source>
   <translation>预期至少一个参数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>expected at most one argument</source>
   <translation>预期最多一个参数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>expected one argument</source>
   <translation>预期一个参数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>invalid %(type)s value: %(value)r</source>
   <translation>无效的 %(type)s 值：%(value)r</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>invalid choice: %(value)r (choose from %(choices)s)</source>
   <translation>无效的选择：%(value)r（可选 %(choices)s）</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>not allowed with argument %s</source>
   <translation>不允许与参数 %s 同用</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>one of the arguments %s is required</source>
   <translation>参数 %s 中需要一个</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>options</source>
   <translation>选项</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>positional arguments</source>
   <translation>位置参数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>show this help message and exit</source>
   <translation>显示此帮助信息并退出</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>the following arguments are required: %s</source>
   <translation>缺少下列参数：%s</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>unrecognized arguments: %s</source>
   <translation>无法识别的参数：%s</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>usage: </source>
   <translation>用法： </translation>
  </message>
 </context>
</TS>
