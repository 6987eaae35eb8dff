<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="ja" sourcelanguage="en">
 <context>
  <name />
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>A file that is opened from the desktop will not come to this window: no connection for it could be made. Drop it here instead.</source>
   <translation>デスクトップから開いたファイルをこのウィンドウに渡す接続を作れませんでした。ここにドロップしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Fovea is running already, but does not answer.</source>
   <translation>Foveaはすでに動いていますが、応答がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>クラスの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Wait until its window answers, or end it, then try again. Nothing was opened.</source>
   <translation>そのウィンドウが応答するまで待つか終了させてから、もう一度試してください。何も開かれませんでした。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>/ {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures in {1} classes</source>
   <translation>{1}クラスの画像{0}枚</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0から1(255で割る)</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0から1、ImageNetの平均を引き、その標準偏差で割る(PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0から255、そのまま</translation>
  </message>
  <message>
   <source>Begun</source>
   <translation type="vanished">開始</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">検証結果</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">入手元</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">クレジット</translation>
  </message>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">破損: {0}</translation>
  </message>
  <message>
   <source>Data</source>
   <translation type="vanished">データ</translation>
  </message>
  <message>
   <source>Device</source>
   <translation type="vanished">デバイス</translation>
  </message>
  <message>
   <source>Epochs</source>
   <translation type="vanished">エポック数</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">独自のクラスなし</translation>
  </message>
  <message>
   <source>HeatPicture</source>
   <translation type="vanished">ヒートマップ画像</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">インストール済み</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">インストール済み(土台用)</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">ライセンス</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">ネットワーク</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未インストール</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未インストール · 取得量{0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">未作成 · 取得不要</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未測定</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">パラメータ</translation>
  </message>
  <message>
   <source>Preset</source>
   <translation type="vanished">プリセット</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">報告値</translation>
  </message>
  <message>
   <source>Run</source>
   <translation type="vanished">実行</translation>
  </message>
  <message>
   <source>Runs</source>
   <translation type="vanished">実行</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">ダウンロードの大きさ</translation>
  </message>
  <message>
   <source>State</source>
   <translation type="vanished">状態</translation>
  </message>
  <message>
   <source>Time spent</source>
   <translation type="vanished">かかった時間</translation>
  </message>
  <message>
   <source>Validation accuracy</source>
   <translation type="vanished">検証正解率</translation>
  </message>
  <message>
   <source>Validation loss</source>
   <translation type="vanished">検証損失</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">付属</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">自分の</translation>
  </message>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最良のエポック: {0}</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">青、緑、赤、ImageNetの平均を引く(Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">画像の大きさの合わせ方</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">ピクセルの与え方</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">クラス</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">名前</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">大きさ</translation>
  </message>
  <message>
   <source>of the best epoch</source>
   <translation type="vanished">最良のエポック</translation>
  </message>
  <message>
   <source>of the finished model</source>
   <translation type="vanished">完成したモデル</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">出力の種類</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0}クラス</translation>
  </message>
  <message>
   <source>{0} of {1}</source>
   <translation type="vanished">{0} / {1}</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} カラー</translation>
  </message>
  <message>
   <source>{0} – best</source>
   <translation type="vanished">{0} – 最良</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1から1</translation>
  </message>
 </context>
 <context>
  <name>AboutDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>About Fovea</source>
   <translation>Foveaについて</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Classifies images on your own computer, offline. Free software under the Apache License 2.0.</source>
   <translation>画像を自分のコンピューターでオフラインで分類します。Apache License 2.0の自由ソフトウェアです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Copy versions</source>
   <translation>バージョン情報をコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Parts and licences</source>
   <translation>部品とライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Qt and PySide6 are used under the LGPL, version 3. A model's licence and credits are on its card.</source>
   <translation>QtとPySide6はLGPLバージョン3で使用しています。モデルのライセンスとクレジットはそのカードにあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>System</source>
   <translation>システム</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/about.py" />
   <source>Version {0}</source>
   <translation>バージョン{0}</translation>
  </message>
 </context>
 <context>
  <name>AdviceRow</name>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>A medical model is never chosen by itself.</source>
   <translation>医療用モデルが自動で選ばれることはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Use that model</source>
   <translation>そのモデルを使う</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Use the model {0}</source>
   <translation>モデル{0}を使う</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/advice_row.py" />
   <source>Which model would suit</source>
   <translation>適したモデル</translation>
  </message>
 </context>
 <context>
  <name>AnswerColumn</name>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>Model</source>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>The scores are of digit {0} of {1}. The arrow keys or a click on its label choose another.</source>
   <translation>スコアは{1}個中{0}番目の数字のものです。矢印キーまたはラベルのクリックで別の数字を選べます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>What was read</source>
   <translation>読み取り結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/answer.py" />
   <source>{0} ms from the stroke to the answer · {1}</source>
   <translation>線から回答まで{0} ms · {1}</translation>
  </message>
 </context>
 <context>
  <name>AnswerPane</name>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>About this model</source>
   <translation>このモデルについて</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Classifying…</source>
   <translation>分類しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Damaged</source>
   <translation>破損</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Install the weights of this model</source>
   <translation>このモデルの重みをインストール</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Install…</source>
   <translation>インストール…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Model</source>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>No answer. The reason is below the picture.</source>
   <translation>回答がありません。理由は画像の下にあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Opening {0} ms, preparing {1} ms, network {2} ms</source>
   <translation>読み込み{0} ms、前処理{1} ms、ネットワーク{2} ms</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Starting the engine…</source>
   <translation>エンジンを起動しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>The answer appears here once an image is open.</source>
   <translation>画像を開くと、ここに回答が表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>The answer to what the camera sees appears here.</source>
   <translation>カメラに映ったものへの回答がここに表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>Weights not installed</source>
   <translation>重み未インストール</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>{0} answers a second · {1} ms · {2}</source>
   <translation>毎秒{0}回答 · {1} ms · {2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/answer_pane.py" />
   <source>{0} ms · {1}</source>
   <translation>{0} ms · {1}</translation>
  </message>
 </context>
 <context>
  <name>Asking</name>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Another job on models runs: wait for it, or cancel it.</source>
   <translation>モデルについて別の作業が実行中です。待つか、キャンセルしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Export</source>
   <translation>エクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Import a Model</source>
   <translation>モデルをインポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Models (*.keras *.h5 *.hdf5 *.tflite *.zip)</source>
   <translation>モデル (*.keras *.h5 *.hdf5 *.tflite *.zip)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>Rename</source>
   <translation>名前を変更</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/asking.py" />
   <source>The model's name</source>
   <translation>モデルの名前</translation>
  </message>
 </context>
 <context>
  <name>AugmentPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Again</source>
   <translation>もう一度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Also, from the starting point: {0}</source>
   <translation>開始点からさらに: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Another picture</source>
   <translation>別の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Brightness</source>
   <translation>明るさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Contrast</source>
   <translation>コントラスト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Corners filled with</source>
   <translation>隅の埋め方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>In each epoch every picture comes a little different, so few pictures go further. Choose only changes after which the right answer is still the same: a mirrored 'b' is a 'd'.</source>
   <translation>エポックごとに各画像を少しずつ変えるので、少ない画像でも学習が進みます。変えても正解が変わらないものだけを選んでください: 'b'を左右反転すると'd'になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Lighter or darker by up to this share.</source>
   <translation>最大でこの割合だけ明るく、または暗く。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Made larger or smaller by up to this share.</source>
   <translation>最大でこの割合だけ大きく、または小さく。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Mirror left and right</source>
   <translation>左右反転</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Mirror up and down</source>
   <translation>上下反転</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Moved by up to this share of the side.</source>
   <translation>最大で辺のこの割合だけ移動。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>None</source>
   <extracomment>A choice: none of it.</extracomment>
   <translation>なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Not used here: the features of each picture are computed once.</source>
   <translation>ここでは使いません: 各画像の特徴量は一度だけ計算されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Recommended</source>
   <translation>推奨</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Rotation</source>
   <translation>回転</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Sample {0}</source>
   <translation>例 {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Shear</source>
   <translation>せん断</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Shift</source>
   <translation>移動</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Slanted by up to so many degrees.</source>
   <translation>最大でこの角度だけ斜めに。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Stronger or weaker contrast.</source>
   <translation>コントラストを強く、または弱く。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>The picture as it is prepared</source>
   <translation>前処理後の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Top left: the picture as prepared; the others: what training makes of it</source>
   <translation>左上: 前処理後の画像。ほか: 学習で変えたもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Turned by up to so many degrees either way.</source>
   <translation>最大でこの角度だけ左右に回転。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Variety</source>
   <extracomment>A page of the wizard: changes made to training pictures (data augmentation).</extracomment>
   <translation>変化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>What fills the corners that come into view</source>
   <translation>現れる隅を埋めるもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Which changes should it learn not to mind?</source>
   <translation>どんな変化を気にしないようにしますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>Zoom</source>
   <translation>拡大縮小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>black</source>
   <translation>黒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>mirrored left and right</source>
   <translation>左右反転</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>mirrored up and down</source>
   <translation>上下反転</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation>なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>off</source>
   <extracomment>A setting that is switched off.</extracomment>
   <translation>オフ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the edge drawn out</source>
   <translation>端を引き伸ばす</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the other side</source>
   <translation>反対側</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/augment_page.py" />
   <source>the picture mirrored</source>
   <translation>画像を鏡映</translation>
  </message>
 </context>
 <context>
  <name>CalibrationTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Accuracy against share answered</source>
   <translation>正解率と回答割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Accuracy against share answered, as a table</source>
   <translation>正解率と回答割合の表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>All answered: {0} right</source>
   <translation>すべてに回答: 正解{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Answered</source>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>From a score of</source>
   <translation>次のスコア以上</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Lower is better. The model gives: {0}.</source>
   <translation>低いほど良い値です。モデルが出すもの: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Mean score</source>
   <translation>平均スコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Nothing was answered.</source>
   <translation>何も回答されていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Reliability</source>
   <translation>信頼度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Reliability as a table</source>
   <translation>信頼度の表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Right among them %</source>
   <translation>うち正解 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Score</source>
   <extracomment>The number beside an answer, 0 to 1.</extracomment>
   <translation>スコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Share answered as a table</source>
   <translation>回答割合の表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>Share right %</source>
   <translation>正解の割合 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>images answered, the surest first</source>
   <translation>回答した画像(確かなものから)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>right among them</source>
   <translation>うち正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>share right</source>
   <extracomment>Axis of a plot: share of right answers.</extracomment>
   <translation>正解の割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>top score (shaded: how many images)</source>
   <translation>最高スコア(濃淡: 画像数)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/calibration_tab.py" />
   <source>{0} to {1}</source>
   <translation>{0}から{1}</translation>
  </message>
 </context>
 <context>
  <name>CameraPane</name>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>A network camera…</source>
   <translation>ネットワークカメラ…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>A video file…</source>
   <translation>動画ファイル…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Address of the camera (rtsp://, http:// or https://):</source>
   <translation>カメラのアドレス(rtsp://、http://、https://):</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Camera</source>
   <translation>カメラ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Close the camera</source>
   <translation>カメラを閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Keep this frame</source>
   <translation>このフレームを保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Look for cameras again</source>
   <translation>カメラをもう一度探す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Looking for cameras…</source>
   <translation>カメラを探しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Network Camera</source>
   <translation>ネットワークカメラ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>No camera</source>
   <translation>カメラなし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>No camera was found. Plug one in, then look for cameras again; a video file or a network camera can be chosen above.</source>
   <translation>カメラが見つかりません。接続してからもう一度探してください。上で動画ファイルやネットワークカメラも選べます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Nothing is stored unless you keep it.</source>
   <translation>保存を選ばない限り、何も保存されません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Open a Video as a Camera</source>
   <translation>動画をカメラとして開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Put the frame that is shown into the list of images (Return)</source>
   <translation>表示中のフレームを画像の一覧に入れる(Return)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>The camera is off.</source>
   <translation>カメラは切れています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>The video breaks off before its end: the file is cut short or damaged.</source>
   <translation>動画が終わりの前で途切れています: ファイルが途中までか、破損しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>The video is over.</source>
   <translation>動画は終わりました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>This comes over the network from {0}.</source>
   <translation>これはネットワーク経由で{0}から届いています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turn off</source>
   <translation>切る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turn on</source>
   <translation>入れる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turn the camera off and close it (Escape)</source>
   <translation>カメラを切って閉じる(Escape)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Turning on…</source>
   <translation>カメラを入れています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_pane.py" />
   <source>Videos ({0})</source>
   <translation>動画 ({0})</translation>
  </message>
 </context>
 <context>
  <name>CameraPart</name>
  <message>
   <location filename="../../desktop/ui/classify/camera_part.py" />
   <source>Camera {0} {1}</source>
   <translation>カメラ {0} {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/camera_part.py" />
   <source>Kept as {0}; it is an image of the list now.</source>
   <translation>{0}として保存しました。一覧の画像になりました。</translation>
  </message>
 </context>
 <context>
  <name>CameraScreen</name>
  <message>
   <location filename="../../desktop/ui/widgets/camera_screen.py" />
   <source>What the camera sees</source>
   <translation>カメラの映像</translation>
  </message>
 </context>
 <context>
  <name>CancelQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Cancel the training</source>
   <translation>学習をキャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End and discard</source>
   <translation>終了して破棄</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End and keep the checkpoint</source>
   <translation>終了してチェックポイントを残す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>End the training “{0}” now?</source>
   <translation>学習「{0}」を今終了しますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on training</source>
   <translation>学習を続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>No epoch is done yet.</source>
   <translation>まだ1エポックも終わっていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>No model is made either way.</source>
   <translation>どちらの場合もモデルは作られません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>{0} of {1} epochs are done. With its checkpoint it can be taken up later.</source>
   <translation>{1}エポック中{0}エポックが完了。チェックポイントがあれば、あとで再開できます。</translation>
  </message>
 </context>
 <context>
  <name>CardList</name>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Models</source>
   <extracomment>A view of the window: trained models (networks), not people or cars.</extracomment>
   <translation>モデル</translation>
  </message>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">破損: {0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">独自のクラスなし</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">インストール済み</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">インストール済み(土台用)</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未インストール</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未インストール · 取得量{0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">未作成 · 取得不要</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未測定</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">付属</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">自分の</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0}クラス</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} カラー</translation>
  </message>
 </context>
 <context>
  <name>CardTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Model card</source>
   <translation>モデルカード</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">確認</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">入手元</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">クレジット</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">ライセンス</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">ネットワーク</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">パラメータ</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">報告値</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">ダウンロードの大きさ</translation>
  </message>
 </context>
 <context>
  <name>Cards</name>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>5,216 training images of children aged one to five, Guangzhou Women and Children's Medical Center; about three in four show pneumonia (bacterial or viral).</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): population.</extracomment>
   <translation>広州婦女児童医療センターの1歳から5歳の小児の学習画像5,216枚。約4枚中3枚が肺炎(細菌性またはウイルス性)を示します。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>50,000 training images from the '80 million tiny images' collection, labelled by students.</source>
   <extracomment>Everyday things (CIFAR-10): population.</extracomment>
   <translation>'80 million tiny images'コレクションからの学習画像50,000枚、学生がラベル付け。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>60,000 training images by about 500 writers (employees of the US Census Bureau and high-school students).</source>
   <extracomment>Handwritten digits: population.</extracomment>
   <translation>約500人(米国国勢調査局の職員と高校生)が書いた学習画像60,000枚。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>A 1 with a long upstroke, leaning or turned, resembles a 7 and may be read as one; in a check of pens, papers and fonts all 1,240 drawn and printed digits were right, but other hands draw others.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation>上への書き出しが長い1は、傾いたり回転したりすると7に似て、7と読まれることがあります。ペン、紙、フォントの確認では、手書きと印刷の数字1,240個がすべて正解でしたが、書く人が変われば書き方も変わります。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>A fifth of VGG16's size and more accurate; looks at 299×299 pixels.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>VGG16の5分の1の大きさで、より正確。299×299ピクセルを見ます。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>A score is no guarantee: look at the prepared 28×28 picture when the answer surprises.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>スコアは保証ではありません: 回答が意外なときは、前処理後の28×28の画像を見てください。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Any picture gets a score, even one that is no X-ray, such as the drawn phantom that comes with Fovea (0.50 for pneumonia); a plain grey ramp scores 0.996. Both are flagged as not of its kind.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>どんな画像にもスコアが付きます。X線画像でないもの、たとえばFovea付属の描かれたファントム(肺炎0.50)にも付き、単なる灰色のグラデーションは0.996になります。どちらも種類違いと表示されます。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Anything else is still given one of the ten names.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>ほかのものにも、10の名前のどれかが付けられます。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Backgrounds mislead: blue sky speaks for an airplane, water for a ship, green for a deer or frog.</source>
   <extracomment>Everyday things (CIFAR-10): known failures.</extracomment>
   <translation>背景に惑わされます: 青空はairplane、水はship、緑はdeerまたはfrogと結び付きます。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Be used in patient care of any kind.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): must not.</extracomment>
   <translation>いかなる形であれ患者の医療に使うこと。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Be used where a wrong answer harms anybody, such as traffic or surveillance.</source>
   <extracomment>Everyday things (CIFAR-10): must not.</extracomment>
   <translation>交通や監視など、誤った回答が誰かに害を与える場面で使うこと。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Burnt-in letters, borders and tubes may sway the score. They alone do not give the label away: with the lungs covered the area under ROC on the test split is 0.41, no better than guessing.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation>焼き込まれた文字、縁、チューブがスコアに影響することがあります。それらだけでラベルがわかるわけではありません: 肺を隠すと、テスト分割でのROC曲線下面積は0.41で、当て推量と変わりません。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Cats and dogs are mistaken for each other by far most often (155 of 2,000 test images); deer and birds, cats and frogs, automobiles and trucks follow with about 50 to 55 each.</source>
   <extracomment>Everyday things (CIFAR-10): known failures.</extracomment>
   <translation>猫と犬の取り違えが圧倒的に多く(テスト画像2,000枚中155枚)、鹿と鳥、猫と蛙、乗用車とトラックが各50から55枚ほどで続きます。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Chest X-ray: signs of pneumonia (research)</source>
   <extracomment>The name of a model.</extracomment>
   <translation>胸部X線画像: 肺炎の徴候(研究用)</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Decide anything about people, health or safety.</source>
   <extracomment>VGG16 ImageNet: must not.</extracomment>
   <translation>人、健康、安全について何かを決めること。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Diagnose, triage or treat anybody, or replace a physician's reading.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): must not.</extracomment>
   <translation>誰かを診断、トリアージ、治療すること、または医師の読影の代わりにすること。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Drawings, medical pictures, satellite pictures and pictures turned on their side are far from what it was trained on; it answers all the same.</source>
   <extracomment>VGG16 ImageNet: known failures.</extracomment>
   <translation>描画、医療画像、衛星画像、横向きの画像は、学習に使われたものから遠く離れています。それでも回答します。</translation>
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
   <translation>日常の写真</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Everyday photographs of one clear object; teaching; a baseline to compare other networks with.</source>
   <extracomment>VGG16 ImageNet: intended use.</extracomment>
   <translation>はっきりした一つのものが写った日常の写真、教育、ほかのネットワークと比べる基準。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Everyday photographs, larger</source>
   <extracomment>A network's name.</extracomment>
   <translation>日常の写真(大)</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Everyday things (CIFAR-10)</source>
   <extracomment>The name of a model.</extracomment>
   <translation>身近なもの(CIFAR-10)</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Everything that has ink is given a digit: letters and scribbles too.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>インクのあるものにはすべて数字が付けられます: 文字や落書きにも。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Fifty layers with shortcuts; a usual base for new classifiers.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>近道のある50層。新しい分類器の土台としてよく使われます。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Gives frontal chest X-rays of small children a model score for signs of pneumonia. Research and education only; not a medical device.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): summary.</extracomment>
   <translation>小児の正面胸部X線画像に、肺炎の徴候についてのモデルスコアを付けます。研究および教育専用。医療機器ではありません。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Handwritten digits</source>
   <extracomment>The name of a model.</extracomment>
   <translation>手書き数字</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Healthy chests scored above the threshold (false positives) are the most frequent mistake: 21 of 234 on the test split, against 13 of 390 pneumonias missed; on validation it was the other way about: 1 of 162 healthy chests, and 33 of 467 pneumonias missed.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation>最も多い誤りは、健康な胸部のスコアがしきい値を超えること(偽陽性)です: テスト分割では234枚中21枚、これに対し肺炎の見逃しは390枚中13枚。検証では逆で、健康な胸部162枚中1枚、肺炎の見逃しは467枚中33枚でした。</translation>
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
   <translation>1,000クラス(うち118は犬種)を知り、画像に何が写っていてもそのどれかで回答します:「その他」のクラスはありません。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its authors report that the right class is missing from the first five in 7.5 % of the validation pictures and 7.4 % of the test pictures of the challenge, looking at each picture densely and at several scales. Fovea looks once, at the middle of the picture, so expect more misses: about one in ten. Fovea has not measured it.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>作成者の報告では、正解のクラスが上位5位に入らないのは、各画像を密に複数の縮尺で見て、チャレンジの検証画像の7.5 %、テスト画像の7.4 %です。Foveaは画像の中央を一度だけ見るので、見逃しはもっと多く、10枚に1枚ほどと考えてください。Foveaでは測定していません。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its scores are model scores: nobody has checked here how often a score of 0.9 is right.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>スコアはモデルスコアです: スコア0.9がどれだけ正しいかは、ここでは誰も確かめていません。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Its weights do not come with Fovea: until they are installed it is described here and does not answer.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>重みはFoveaに付属しません: インストールされるまで、ここには説明だけがあり、回答しません。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Learned from one hospital, one population and one labelling: scores do not carry over to adults, other hospitals, other machines or views from the side.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>一つの病院、一つの集団、一つのラベル付けから学習したものです: スコアは成人、ほかの病院、ほかの装置、側面からの撮影には当てはまりません。</translation>
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
   <translation>テスト画像では4と9、2と7、1と7、3と5の取り違えが最も多くなっています(10,000枚中各4枚)。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>One digit a picture in Classify: several digits are read as one shape. The drawing pad finds digits side by side, but not digits that touch.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>「分類」では画像1枚に数字1個: 複数の数字は一つの形として読まれます。描画パッドは並んだ数字を見つけますが、触れ合った数字は見つけません。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>One digit at a time, dark ink on light paper or light on dark, of any size and place in the picture; learning and demonstration.</source>
   <extracomment>Handwritten digits: intended use.</extracomment>
   <translation>一度に数字1個、明るい紙に暗いインク、または暗い地に明るいインク。大きさと位置は自由。学習と実演用。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Photographs found on the web before 2012, mostly from Europe and North America, labelled by crowd workers.</source>
   <extracomment>VGG16 ImageNet: population.</extracomment>
   <translation>2012年以前にウェブで見つかった写真。主にヨーロッパと北米のもので、クラウドワーカーがラベル付け。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Photos from today's cameras differ from the web pictures of 2006 that it learned from; expect more mistakes than on the test set.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>今のカメラの写真は、学習に使われた2006年のウェブ画像と異なります。テストセットより誤りが多いと考えてください。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Photos that show one of the ten things, large and near the middle; learning and demonstration.</source>
   <extracomment>Everyday things (CIFAR-10): intended use.</extracomment>
   <translation>10のもののどれかが大きく中央付近に写った写真。学習と実演用。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Printed lines of ruled and squared paper are left out; boxes, forms and pictures around a digit may be taken for ink.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation>罫線紙や方眼紙の印刷線は除かれます。数字の周りの枠、書式、絵はインクとみなされることがあります。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Read cheques, forms or meters without a person checking every digit.</source>
   <extracomment>Handwritten digits: must not.</extracomment>
   <translation>人がすべての数字を確認せずに、小切手、書類、メーターを読み取ること。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Reads one handwritten digit, 0 to 9, from a drawing, scan or photo.</source>
   <extracomment>Handwritten digits: summary.</extracomment>
   <translation>描画、スキャン、写真から手書き数字1個(0から9)を読みます。</translation>
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
   <translation>研究および教育専用。医療機器ではありません。出力はモデルスコアであり、診断ではありません。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Research and education: to learn how such models work, and where they fail, on frontal chest X-rays of children aged one to five. The output is a model score, not a diagnosis.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): intended use.</extracomment>
   <translation>研究および教育: 1歳から5歳の小児の正面胸部X線画像で、このようなモデルがどう働き、どこで誤るかを学ぶため。出力はモデルスコアであり、診断ではありません。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Rotated, cropped, inverted or badly exposed images, and images of other body parts, get scores without meaning.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): known failures.</extracomment>
   <translation>回転、切り抜き、反転した画像、露出の悪い画像、体のほかの部位の画像のスコアには意味がありません。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Sixteen layers, large and simple: the network that many papers compare with.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>大きく単純な16層: 多くの論文が比較に使うネットワークです。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>Small and quick: made for telephones, and a good start for a classifier of your own.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>小さく速い: 携帯電話用に作られ、自分の分類器の出発点に適しています。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>Some classes overlap or are hard to tell apart even for people: 'sunglass' and 'sunglasses', 'screen' and 'monitor', 'projectile' and 'missile', related breeds.</source>
   <extracomment>VGG16 ImageNet: known failures.</extracomment>
   <translation>一部のクラスは重なるか、人でも見分けにくいものです: 'sunglass'と'sunglasses'、'screen'と'monitor'、'projectile'と'missile'、近縁の犬種。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Sorts a photo into ten everyday things: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.</source>
   <extracomment>Everyday things (CIFAR-10): summary.</extracomment>
   <translation>写真を身近な10のものに分けます: airplane、automobile、bird、cat、deer、dog、frog、horse、ship、truck。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Strokes with wide gaps may lose a part when the digit is cropped.</source>
   <extracomment>Handwritten digits: known failures.</extracomment>
   <translation>大きく途切れた線は、数字を切り抜くとき一部を失うことがあります。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>The 16-layer network of the Visual Geometry Group, Oxford (configuration D of Simonyan and Zisserman, 2015), for the 1,000 classes of the ImageNet challenge of 2012.</source>
   <extracomment>VGG16 ImageNet: summary.</extracomment>
   <translation>オックスフォード大学Visual Geometry Groupの16層ネットワーク(SimonyanとZisserman、2015年の構成D)。2012年のImageNetチャレンジの1,000クラス用。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The best answers for its size in this list.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>この一覧で、大きさの割に最も良い回答。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The convolutions of VGG16 alone, a ninth of its size: it names nothing, but a new classifier can be built upon it.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>VGG16の畳み込みだけで、大きさは9分の1: 名前は答えませんが、その上に新しい分類器を作れます。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>The images are stretched to a square and reduced to 224×224 pixels: fine signs are lost.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>画像は正方形に引き伸ばされ、224×224ピクセルに縮小されます: 細かい所見は失われます。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>The middle square of the picture is scaled to 32×32 pixels: small or off-centre things are lost.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>画像の中央の正方形を32×32ピクセルに縮小します: 小さいものや中央から外れたものは失われます。</translation>
  </message>
  <message>
   <location filename="../../model_store/vgg16-imagenet/model.json" />
   <source>The picture is scaled until its shorter side has 256 pixels and the middle 224×224 is used: what lies outside is not seen.</source>
   <extracomment>VGG16 ImageNet: limits.</extracomment>
   <translation>画像の短い辺が256ピクセルになるよう拡縮し、中央の224×224を使います: その外側は見ません。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 68.1 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>公開元の報告: 1位の回答の正解68.1 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 71.3 % right first answers and 90.1 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>公開元の報告: 1位の回答の正解71.3 %、上位5位以内90.1 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 75.1 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>公開元の報告: 1位の回答の正解75.1 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 76.0 % right first answers and 93.0 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>公開元の報告: 1位の回答の正解76.0 %、上位5位以内93.0 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 77.6 % right first answers.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>公開元の報告: 1位の回答の正解77.6 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 77.9 % right first answers and 93.7 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>公開元の報告: 1位の回答の正解77.9 %、上位5位以内93.7 %。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>The publisher reports 78.7 % right first answers and 94.3 % among the first five.</source>
   <extracomment>A network's reported.</extracomment>
   <translation>公開元の報告: 1位の回答の正解78.7 %、上位5位以内94.3 %。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>The threshold was chosen on children that training never saw, from the same source as the training images; on the separate test split fewer healthy chests, and more pneumonias, are recognised than there.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>しきい値は、学習画像と同じ出所の、学習で見ていない小児で選びました。別のテスト分割では、そこより健康な胸部を認識する割合は低く、肺炎を認識する割合は高くなります。</translation>
  </message>
  <message>
   <location filename="../../model_store/cifar10/model.json" />
   <source>Trained and tested on JPEG copies (quality 75, 4:2:0) of CIFAR-10; figures are for these copies.</source>
   <extracomment>Everyday things (CIFAR-10): limits.</extracomment>
   <translation>CIFAR-10のJPEGコピー(品質75、4:2:0)で学習とテストを行いました。数値はこのコピーのものです。</translation>
  </message>
  <message>
   <location filename="../../model_store/mnist-digits/model.json" />
   <source>Trained on digits written in the United States around 1990, some of them redrawn in training with the long upstroke of a 1 and the bar of a 7 that Europeans write.</source>
   <extracomment>Handwritten digits: limits.</extracomment>
   <translation>1990年ごろ米国で書かれた数字で学習しました。学習では一部に、ヨーロッパ人が書く1の長い書き出しと7の横線を描き加えています。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>Two answers only: other diseases, devices or a healthy chest of an older person still get one of them.</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): limits.</extracomment>
   <translation>回答は二つだけです: ほかの疾患、機器、年長者の健康な胸部にも、どちらか一方の回答が出ます。</translation>
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
   <translation>VGG16(最上部なし)</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>What is in this photo? Knows 1,000 things: animals, vehicles, food, tools, buildings.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>この写真に何が写っているか。1,000のものを知っています: 動物、乗り物、食べ物、道具、建物。</translation>
  </message>
  <message>
   <location filename="../../resources/catalogue.json" />
   <source>What is in this photo? The same 1,000 things, looked at more closely: more often right, slower.</source>
   <extracomment>A network's summary.</extracomment>
   <translation>この写真に何が写っているか。同じ1,000のものをより細かく見ます: より正しく、より遅い。</translation>
  </message>
  <message>
   <location filename="../../model_store/chest-xray-pneumonia/model.json" />
   <source>sensitivity and specificity alike on 3 copies of the validation split, augmented as in training (629 pictures; training saw none of their persons)</source>
   <extracomment>Chest X-ray: signs of pneumonia (research): why this threshold.</extracomment>
   <translation>検証分割の3つのコピーを学習時と同様に拡張したもの(画像629枚、学習ではその人を一人も見ていない)で、感度と特異度が等しくなる値</translation>
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
   <translation>注意: {text}</translation>
  </message>
 </context>
 <context>
  <name>Choosing</name>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Class names matched as you said.</source>
   <translation>あなたの指定どおりクラス名を対応させました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Open the result of {0}</source>
   <translation>{0}の結果を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>Reading…</source>
   <translation>読んでいます…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>The class names fit the model.</source>
   <translation>クラス名はモデルと一致しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>{0} images found…</source>
   <translation>画像{0}枚が見つかりました…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/choosing.py" />
   <source>{0} of {1} class names are not labels of this model. Say which label each means.</source>
   <translation>クラス名{1}個のうち{0}個はこのモデルのラベルではありません。それぞれがどのラベルか指定してください。</translation>
  </message>
 </context>
 <context>
  <name>ClassList</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>クラスの名前</translation>
  </message>
 </context>
 <context>
  <name>ClassesModel</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>クラスの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>{0}: {1} pictures</source>
   <translation>{0}: 画像{1}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>{0}: {1} pictures, key {2}</source>
   <translation>{0}: 画像{1}枚、キー{2}</translation>
  </message>
 </context>
 <context>
  <name>ClassesPane</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Classes</source>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Key</source>
   <translation>キー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Merge into</source>
   <translation>統合先</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of a new class; Enter makes it</source>
   <translation>新しいクラスの名前。Enterで作成</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>クラスの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>New class</source>
   <translation>新しいクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Remove the class</source>
   <translation>クラスを削除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Rename…</source>
   <translation>名前を変更…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Show its pictures</source>
   <translation>その画像を表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Type what there is to tell apart, one class after the other: ‘cat’, Enter, ‘dog’, Enter.</source>
   <translation>見分けたいものを一つずつ入力してください: 「cat」Enter、「dog」Enter。</translation>
  </message>
 </context>
 <context>
  <name>ClassesTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Answers</source>
   <extracomment>How often a class was given as the answer.</extracomment>
   <translation>回答数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Figures of each class</source>
   <translation>各クラスの数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>In brackets: 95 % intervals. Recall is also called sensitivity. FPR: share of false alarms; FNR: share of misses. A class enters a mean only where it has the figure. Enter shows a class's mistakes.</source>
   <translation>かっこ内は95 %区間。再現率は感度とも呼ばれます。FPR: 誤警報の割合、FNR: 見逃しの割合。クラスは、その数値があるときだけ平均に入ります。Enterでクラスの誤りを表示します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Macro mean (each class alike)</source>
   <translation>マクロ平均(各クラス同等)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Means over the classes</source>
   <translation>全クラスの平均</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/classes_tab.py" />
   <source>Weighted mean (by images)</source>
   <translation>加重平均(画像数による)</translation>
  </message>
 </context>
 <context>
  <name>ClassifyView</name>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Comparing {0} of {1} images…</source>
   <translation>画像{1}枚中{0}枚を比較しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Looking for images…</source>
   <translation>画像を探しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>Reading the headers of DICOM files: {0} of {1}…</source>
   <translation>DICOMファイルのヘッダーを読んでいます: {0} / {1}…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>The model for everyday photographs is ready: choose it in the list of models.</source>
   <translation>日常の写真用のモデルの準備ができました。モデルの一覧から選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/view.py" />
   <source>{0} images found…</source>
   <translation>画像{0}枚が見つかりました…</translation>
  </message>
 </context>
 <context>
  <name>CloseQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Close Fovea</source>
   <translation>Foveaを閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Discard</source>
   <translation>破棄</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Do not close</source>
   <translation>閉じない</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on at the next start</source>
   <translation>次回起動時に続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on at the next start: the checkpoint is kept and Fovea closes now.</source>
   <translation>次回起動時に続ける: チェックポイントを残し、Foveaを今閉じます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Stop after this epoch</source>
   <translation>このエポックで停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Stop after this epoch: Fovea closes when the best model so far is in the store.</source>
   <translation>このエポックで停止: これまでで最良のモデルが保管されたらFoveaを閉じます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Trainings are still running: {0}. What should happen to them?</source>
   <translation>まだ実行中の学習: {0}。どうしますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Waiting trainings stay in the queue: {0}.</source>
   <translation>待機中の学習はキューに残ります: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>“{0}” is still training. What should happen to it?</source>
   <translation>「{0}」はまだ学習中です。どうしますか?</translation>
  </message>
 </context>
 <context>
  <name>CompareTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Compare</source>
   <translation>比較</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Compare with</source>
   <translation>比較対象</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Difference in accuracy, first minus second: {0}. Both right: {1}. Both wrong: {2}. All figures here are of the {3} pictures that both answered.</source>
   <translation>正解率の差(1番目−2番目): {0}。両方正解: {1}。両方誤り: {2}。ここの数値はすべて、両方が回答した画像{3}枚のものです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Figure (95 % interval)</source>
   <translation>数値(95 %区間)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Figures of both models</source>
   <translation>両モデルの数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Match class names…</source>
   <translation>クラス名を対応付ける…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>No other model that is ready answers these classes.</source>
   <translation>準備ができたほかのモデルに、これらのクラスを回答するものはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>On the pictures that both answered</source>
   <translation>両方が回答した画像で</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only the first is right</source>
   <translation>1番目だけ正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only the second is right</source>
   <translation>2番目だけ正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only this model is right</source>
   <translation>このモデルだけ正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only {0} is right</source>
   <translation>{0}だけ正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>Only {0} is right: {1} pictures</source>
   <translation>{0}だけ正解: 画像{1}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The model to compare with</source>
   <translation>比較するモデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The pictures are not at hand: open their folder again.</source>
   <translation>画像が手元にありません。フォルダーをもう一度開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>The second model answers the same pictures; a kept result of it is used at once.</source>
   <translation>2番目のモデルが同じ画像に回答します。保存済みの結果があればすぐに使います。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/compare_tab.py" />
   <source>{0} (classes to be matched)</source>
   <translation>{0}(クラスの対応付けが必要)</translation>
  </message>
 </context>
 <context>
  <name>ConfidencePanel</name>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>A smaller share gives longer lists.</source>
   <translation>割合を小さくすると、一覧が長くなります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Allowed to be wrong in</source>
   <translation>誤りを許す割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Familiar kind of picture: no.</source>
   <translation>見慣れた種類の画像: いいえ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Familiar kind of picture: yes</source>
   <translation>見慣れた種類の画像: はい</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Hide why</source>
   <translation>理由を隠す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the answer is right is not known for pictures of another kind.</source>
   <translation>別の種類の画像で回答がどれだけ正しいかは、わかっていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the answer is right was measured on pictures of {0}×{0} pixels; of larger ones such as this it is not known.</source>
   <translation>回答がどれだけ正しいかは{0}×{0}ピクセルの画像で測られました。この画像のように大きい場合は、わかっていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>How often the list may leave out the right answer</source>
   <translation>一覧に正しい回答が入らないことを許す割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Most right answers score higher than this one.</source>
   <translation>正しい回答の大半は、これより高いスコアです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>No answer can be ruled out: {0} validation pictures are too few for so small an error.</source>
   <translation>どの回答も除外できません。これほど小さい誤り率には、検証画像{0}枚では足りません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Possible answers</source>
   <translation>候補の回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Possible answers: {0}. Of a hundred pictures like those it learned from, what is listed here holds the right answer for at least {1}; of this one picture that says nothing.</source>
   <translation>候補の回答: {0}。学習に使われたものに似た画像100枚のうち、少なくとも{1}枚では、ここに挙げるものに正しい回答が含まれます。この1枚については何も言えません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Show where in the picture the network found its answer</source>
   <translation>ネットワークが画像のどこから回答を得たかを表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>This model cannot check whether a kind of picture is familiar to it.</source>
   <translation>このモデルは、見慣れた種類の画像かどうかを確認できません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Why this kind of picture is unfamiliar to the model</source>
   <translation>この種類の画像がモデルにとって見慣れない理由</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>Why?</source>
   <translation>なぜ?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} of 100 cases</source>
   <translation>100例中{0}例</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} or {1}</source>
   <translation>{0}または{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/confidence_panel.py" />
   <source>{0} or {1} more</source>
   <translation>{0}、またはほか{1}個</translation>
  </message>
 </context>
 <context>
  <name>CopiesDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Close</source>
   <translation>閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Copies count once when Fovea checks how good it is. Here they can leave the project; the sharpest of each group stays. Files are not touched, and Undo brings everything back.</source>
   <translation>Foveaが良さを確かめるとき、コピーは1枚と数えます。ここでプロジェクトから外せます。各グループの最も鮮明なものが残ります。ファイルには触れず、「元に戻す」ですべて戻ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Find Copies</source>
   <translation>コピーを探す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Keep the sharpest of each, remove {0}</source>
   <translation>最も鮮明なものを残し、{0}枚を外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Looking…</source>
   <translation>探しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>No copies among the pictures that were looked at.</source>
   <translation>調べた画像にコピーはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>Show</source>
   <translation>表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>near copies</source>
   <translation>近似コピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>taken in one go</source>
   <translation>連続撮影</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>the same</source>
   <translation>同一</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>{0} groups</source>
   <translation>{0}グループ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/copies.py" />
   <source>{0} groups; the first 200 are shown.</source>
   <translation>{0}グループ。最初の200を表示。</translation>
  </message>
 </context>
 <context>
  <name>Correcting</name>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>Another class…</source>
   <translation>別のクラス…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>It is ‘{1}’ in the project {2} now.</source>
   <translation>プロジェクト{2}で「{1}」になりました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>This is a…</source>
   <translation>これは次のもの…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>{0} pictures are ‘{1}’ in the project {2} now.</source>
   <translation>プロジェクト{2}で画像{0}枚が「{1}」になりました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/correcting.py" />
   <source>{0} taken back.</source>
   <translation>{0}を取り消しました。</translation>
  </message>
 </context>
 <context>
  <name>CorrectionsList</name>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Close</source>
   <translation>閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Corrected pictures</source>
   <translation>訂正した画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Corrections</source>
   <translation>訂正</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Folder</source>
   <translation>フォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>It is a</source>
   <translation>これは</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>No picture was corrected yet: right-click one, then ‘This is a…’.</source>
   <translation>まだ訂正した画像はありません: 画像を右クリックし、「これは次のもの…」を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>Take back</source>
   <extracomment>Undo.</extracomment>
   <translation>取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/corrections_list.py" />
   <source>{0} pictures were given their right label. Teach learns from them.</source>
   <translation>画像{0}枚に正しいラベルが付きました。「教える」がこれらから学習します。</translation>
  </message>
 </context>
 <context>
  <name>CrashOffer</name>
  <message>
   <location filename="../../desktop/ui/shell/crash_offer.py" />
   <source>Show the report</source>
   <translation>レポートを表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/crash_offer.py" />
   <source>Something went wrong in Fovea last time. A report lies on this computer; nothing was sent.</source>
   <translation>前回、Foveaで問題が起きました。レポートはこのコンピューターにあり、どこにも送信されていません。</translation>
  </message>
 </context>
 <context>
  <name>CrashReportDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Copy</source>
   <translation>コピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Delete the report</source>
   <translation>レポートを削除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Error Report</source>
   <translation>エラーレポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>Error report</source>
   <translation>エラーレポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>The report is no longer there.</source>
   <translation>レポートはもうありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/crash_report.py" />
   <source>This is all that was noted down: which kind of error, and where in the program. It holds no file names, no pictures and nothing about you, and it stays on this computer. If you want to help, copy it and add it to a report of your own.</source>
   <translation>記録したのはこれがすべてです: エラーの種類と、プログラムのどこで起きたか。ファイル名、画像、あなたに関することは含まず、このコンピューターにとどまります。協力していただける場合は、コピーしてご自分の報告に加えてください。</translation>
  </message>
 </context>
 <context>
  <name>CurveExports</name>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Accuracy</source>
   <translation>正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>Save the Curves</source>
   <translation>曲線を保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves of {0} of {1} runs were saved as {2}.</source>
   <translation>{1}件の実行のうち{0}件の曲線を{2}として保存しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves of {0} of {1} runs were saved as {2}. A table takes all of them.</source>
   <translation>{1}件の実行のうち{0}件の曲線を{2}として保存しました。表にはすべて入ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves were not saved: {0}. Choose another folder.</source>
   <translation>曲線は保存されませんでした: {0}。別のフォルダーを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>The curves were saved as {0}.</source>
   <translation>曲線を{0}として保存しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/exports.py" />
   <source>There is no finished epoch to save yet.</source>
   <translation>保存できる完了したエポックがまだありません。</translation>
  </message>
 </context>
 <context>
  <name>CurvePlot</name>
  <message>
   <location filename="../../desktop/ui/widgets/plot.py" />
   <source>Plots cannot be drawn here ({0}). The figures stand in the table.</source>
   <translation>ここではグラフを描けません({0})。数値は表にあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/plot.py" />
   <source>The plot is being prepared…</source>
   <translation>グラフを準備しています…</translation>
  </message>
 </context>
 <context>
  <name>CurvesPane</name>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Accuracy</source>
   <translation>正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>By batch</source>
   <translation>バッチごと</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>By epoch</source>
   <translation>エポックごと</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Epoch</source>
   <translation>エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Epoch (batches within)</source>
   <translation>エポック(中はバッチ)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Figures by epoch</source>
   <translation>エポックごとの数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Learning rate</source>
   <translation>学習率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>The curve begins with the first batches.</source>
   <translation>曲線は最初のバッチから始まります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Time</source>
   <translation>時間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Validation accuracy</source>
   <translation>検証正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>Validation loss</source>
   <translation>検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>best epoch</source>
   <translation>最良のエポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>training</source>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>validation</source>
   <translation>検証</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>{0} after epoch {1}: training {2}, validation {3}. The table has every epoch.</source>
   <translation>{0}、エポック{1}後: 学習{2}、検証{3}。表にすべてのエポックがあります。</translation>
  </message>
  <message>
   <source>{0} – best</source>
   <translation type="vanished">{0} – 最良</translation>
  </message>
 </context>
 <context>
  <name>CurvesTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>% (95 % interval)</source>
   <translation>%(95 %区間)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>1 − specificity</source>
   <translation>1 − 特異度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>At this threshold</source>
   <translation>このしきい値で</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Figures at this threshold</source>
   <translation>このしきい値での数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>NPV where {0} % are positive</source>
   <translation>{0} %が陽性の場合のNPV</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>PPV where {0} % are positive</source>
   <translation>{0} %が陽性の場合のPPV</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Pictures of both classes are needed for a curve.</source>
   <translation>曲線には両クラスの画像が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Precision and recall</source>
   <translation>適合率と再現率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>ROC curve</source>
   <translation>ROC曲線</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Share of positives where the model is to be used</source>
   <translation>モデルを使う場での陽性の割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>The curves as a table</source>
   <translation>曲線の表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Threshold</source>
   <translation>しきい値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>Where this share is positive (prevalence):</source>
   <translation>陽性の割合(有病率)がこの値のとき:</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>chosen by hand on this data</source>
   <translation>このデータで手動で選択</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>precision (PPV)</source>
   <translation>適合率(PPV)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>recall (sensitivity)</source>
   <translation>再現率(感度)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>sensitivity for '{0}'</source>
   <translation>「{0}」の感度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/curves_tab.py" />
   <source>threshold {0}</source>
   <translation>しきい値{0}</translation>
  </message>
 </context>
 <context>
  <name>DataTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Class names: {0}</source>
   <translation>クラス名: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Data: {0} · {1} images answered</source>
   <translation>データ: {0} · 画像{1}枚に回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Evaluated: {0}</source>
   <translation>評価日時: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Fingerprint: {0}</source>
   <translation>フィンガープリント: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Model: {0}, version {1} · {2}</source>
   <translation>モデル: {0}、バージョン{1} · {2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Nothing was odd; every image was answered.</source>
   <translation>おかしな点はなく、すべての画像に回答がありました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Problems of the data and files without an answer</source>
   <translation>データの問題と回答のないファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>Several pictures of one count together in the intervals.</source>
   <translation>一つのものの複数の画像は、区間ではまとめて数えます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>The data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>The names speak of {0} people or cases.</source>
   <translation>名前から{0}人または{0}件と読み取れます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>What was odd, and files without an answer</source>
   <translation>おかしな点と、回答のないファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>left out</source>
   <translation>除外</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/data_tab.py" />
   <source>• and {0} more</source>
   <translation>• ほか{0}個</translation>
  </message>
 </context>
 <context>
  <name>Detail</name>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Duplicate</source>
   <translation>複製(&amp;D)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Rename…</source>
   <translation>名前を変更(&amp;R)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Show folder</source>
   <translation>フォルダーを表示(&amp;S)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>&amp;Verify files</source>
   <translation>ファイルを検証(&amp;V)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Card</source>
   <extracomment>A model's card: the page that says what it is for and how good it is ('model card').</extracomment>
   <translation>カード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Choose a model on the left.</source>
   <translation>左でモデルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Classify with it</source>
   <translation>これで分類する</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Curves</source>
   <translation>曲線</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>D&amp;elete</source>
   <translation>削除(&amp;E)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Evaluation</source>
   <translation>評価</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Export…</source>
   <translation>エクスポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Files</source>
   <translation>ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Install…</source>
   <translation>インストール…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Layers</source>
   <translation>層</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>More</source>
   <translation>その他</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Open the Teach project that this model was made of</source>
   <translation>このモデルの元になった「教える」のプロジェクトを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>Teach it more…</source>
   <translation>さらに教える…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>What is known of the model</source>
   <translation>モデルについてわかっていること</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/detail.py" />
   <source>version {0}</source>
   <translation>バージョン{0}</translation>
  </message>
 </context>
 <context>
  <name>DrawView</name>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Copy the drawing</source>
   <translation>描画をコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Draw</source>
   <extracomment>A view of the window: draw digits by hand. An imperative, or a noun as a tab has it.</extracomment>
   <translation>描画</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Draw a digit here, with mouse, pen or finger: any size, any place, several in a row</source>
   <translation>マウス、ペン、指でここに数字を描いてください: 大きさも場所も自由、複数並べてもかまいません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Drop a picture to put it below the strokes, or a drawing (JSON)</source>
   <translation>画像をドロップすると線の下に置きます。描画(JSON)もドロップできます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Edit › Corrections takes it back.</source>
   <translation>「編集」›「訂正」で取り消せます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>Export the Drawing</source>
   <translation>描画をエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Export…</source>
   <translation>エクスポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Images ({0})</source>
   <translation>画像({0})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No ink was found.</source>
   <translation>インクが見つかりません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No ink was found: there is nothing to keep.</source>
   <translation>インクが見つからないため、保存するものがありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>No installed model reads drawings. Train one on pictures of digits, or install one.</source>
   <translation>描画を読むモデルがインストールされていません。数字の画像で学習させるか、インストールしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Picture Below the Strokes</source>
   <translation>線の下の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Reading…</source>
   <translation>読み取っています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>Starting the engine…</source>
   <translation>エンジンを起動しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>The answer appears here while you draw.</source>
   <translation>描いている間、ここに回答が表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>The drawing was not written: {0}. Choose another folder.</source>
   <translation>描画は書き込まれませんでした: {0}。別のフォルダーを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>The strokes were written, without the picture below them: export a PNG to keep both.</source>
   <translation>線を書き出しました(下の画像は含みません)。両方を残すにはPNGをエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>This is a…</source>
   <translation>これは次のもの…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/exporting.py" />
   <source>drawing</source>
   <translation>描画</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/view.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation>ゼロ</translation>
  </message>
 </context>
 <context>
  <name>DrawingCanvas</name>
  <message>
   <location filename="../../desktop/ui/draw/canvas.py" />
   <source>Sheet of paper to draw on</source>
   <extracomment>Name of the drawing area for screen readers.</extracomment>
   <translation>描画用の紙</translation>
  </message>
 </context>
 <context>
  <name>DrawingHistory</name>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Draw on: {0}</source>
   <extracomment>Button below an earlier drawing: take it up again and go on drawing; {0} is what was read.</extracomment>
   <translation>続きを描く: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Each sheet and what was read on it is kept here until Fovea is closed.</source>
   <translation>各用紙とその読み取り結果は、Foveaを閉じるまでここに残ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/history.py" />
   <source>Earlier drawings and their answers</source>
   <translation>以前の描画とその回答</translation>
  </message>
 </context>
 <context>
  <name>DropOverlay</name>
  <message>
   <location filename="../../desktop/ui/widgets/drop_overlay.py" />
   <source>Drop to open</source>
   <translation>ドロップして開く</translation>
  </message>
 </context>
 <context>
  <name>EditionNote</name>
  <message>
   <location filename="../../desktop/ui/train/edition_note.py" />
   <source>Note</source>
   <translation>情報</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/edition_note.py" />
   <source>This edition of Fovea classifies, draws and evaluates; it does not train. To train, install the full edition in its place: your models, runs and settings stay.</source>
   <translation>このエディションのFoveaは分類、描画、評価ができますが、学習はできません。学習するには、代わりに完全版をインストールしてください。モデル、実行、設定はそのまま残ります。</translation>
  </message>
 </context>
 <context>
  <name>EmptyFrame</name>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open the folder {0}</source>
   <translation>フォルダー{0}を開く</translation>
  </message>
 </context>
 <context>
  <name>EmptyJobs</name>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Earlier runs</source>
   <translation>以前の実行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>New training…</source>
   <translation>新しい学習…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>No training yet</source>
   <translation>まだ学習がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Or start from a plan file…</source>
   <translation>または計画ファイルから始める…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Teach Fovea your own classes</source>
   <translation>Foveaに自分のクラスを教える</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>You need a folder that holds one folder of example images for each class. Training runs in the background while you go on working, and can be paused, stopped and taken up again. Nothing leaves this computer; your files are never changed.</source>
   <translation>クラスごとに例の画像のフォルダーが一つずつあるフォルダーが必要です。学習は作業中に裏で進み、一時停止、停止、再開ができます。このコンピューターの外には何も出ず、ファイルは決して変更されません。</translation>
  </message>
 </context>
 <context>
  <name>EmptyPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>How good is a model on your pictures?</source>
   <translation>あなたの画像でモデルはどれだけ良いか</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open a folder that holds one folder for each class. Fovea answers every picture and shows where the model fails. Nothing leaves this computer; your files are never changed.</source>
   <translation>クラスごとに一つのフォルダーがあるフォルダーを開いてください。Foveaがすべての画像に回答し、モデルがどこで誤るかを示します。このコンピューターの外には何も出ず、ファイルは決して変更されません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open labelled folder…</source>
   <translation>ラベル付きフォルダーを開く…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Or a data file (.npz, MNIST's IDX)…</source>
   <translation>またはデータファイル(.npz、MNISTのIDX)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Recent labelled folders</source>
   <translation>最近使ったラベル付きフォルダー</translation>
  </message>
 </context>
 <context>
  <name>EmptyState</name>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Camera</source>
   <translation>カメラ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Drop images or folders here</source>
   <translation>画像やフォルダーをここにドロップ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>No images yet</source>
   <translation>まだ画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open a folder…</source>
   <translation>フォルダーを開く…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Open images…</source>
   <translation>画像を開く…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Photos, scans, drawings and DICOM files, one or thousands. {0} pastes what you have copied. Nothing leaves this computer.</source>
   <translation>写真、スキャン、描画、DICOMファイルを、1枚から数千枚まで。{0}でコピーしたものを貼り付けます。このコンピューターの外には何も出ません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Recent folders</source>
   <translation>最近使ったフォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/empty_state.py" />
   <source>Try a sample</source>
   <translation>サンプルを試す</translation>
  </message>
 </context>
 <context>
  <name>ErrorPanel</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Copy</source>
   <translation>コピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Details</source>
   <translation>詳細</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Details of the failure</source>
   <translation>失敗の詳細</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Failure</source>
   <translation>失敗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Hide details</source>
   <translation>詳細を隠す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Kind: {kind}</source>
   <extracomment>Details of an error: its stable name, such as 'too-large'.</extracomment>
   <translation>種類: {kind}</translation>
  </message>
 </context>
 <context>
  <name>Evaluate</name>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Labelled pictures ({0})</source>
   <translation>ラベル付き画像({0})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Open a File of Labelled Images</source>
   <translation>ラベル付き画像のファイルを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>Open a Labelled Folder</source>
   <translation>ラベル付きフォルダーを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>model score</source>
   <translation>モデルスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>n = {0}: too few for a figure</source>
   <translation>n = {0}: 少なすぎて数値を出せません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>probability</source>
   <translation>確率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} h {1} min</source>
   <translation>{0}時間{1}分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} min</source>
   <translation>{0}分</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} s</source>
   <translation>{0}秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0} to {1}</source>
   <translation>{0}から{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0}, n = {1}</source>
   <translation>{0}、n = {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/kit/formatting.py" />
   <source>{0}, split {1}</source>
   <translation>{0}、分割{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/opening.py" />
   <source>{0}, validation pictures</source>
   <translation>{0}、検証画像</translation>
  </message>
 </context>
 <context>
  <name>EvaluateView</name>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>An evaluation is running. Cancel it, then open other data.</source>
   <translation>評価が実行中です。キャンセルしてから別のデータを開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>Drop a labelled folder to evaluate a model on it</source>
   <translation>ラベル付きフォルダーをドロップすると、モデルを評価します</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>The evaluation was stopped before a picture was answered; nothing was kept.</source>
   <translation>1枚も回答しないうちに評価が止められたため、何も保存されていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>The evaluation was stopped; nothing of it was kept.</source>
   <translation>評価は止められ、何も保存されていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/view.py" />
   <source>{0} on {1}</source>
   <translation>{0}({1}で)</translation>
  </message>
 </context>
 <context>
  <name>EvaluationTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>95 % interval</source>
   <translation>95 %区間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Evaluate on pictures of your own</source>
   <translation>自分の画像で評価</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>F1</source>
   <translation>F1</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figure</source>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures by class</source>
   <translation>クラス別の数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures of the model</source>
   <translation>モデルの数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Measured on: {0}</source>
   <translation>測定に使ったもの: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Nobody has measured this model in Fovea. A folder of labelled pictures is enough to do so.</source>
   <translation>このモデルはFoveaでまだ測定されていません。ラベル付き画像のフォルダーがあれば測定できます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Precision</source>
   <translation>適合率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Recall</source>
   <translation>再現率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Value</source>
   <translation>値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>n</source>
   <translation>n</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} to {1}</source>
   <translation>{0}から{1}</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">検証結果</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">入手元</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">クレジット</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">ライセンス</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">ネットワーク</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">パラメータ</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">報告値</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">ダウンロードの大きさ</translation>
  </message>
 </context>
 <context>
  <name>Exchange</name>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>A table (CSV)…</source>
   <translation>表(CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>A table of names and labels (CSV)…</source>
   <translation>名前とラベルの表(CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>COCO (JSON)…</source>
   <translation>COCO(JSON)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders, copied…</source>
   <translation>クラス別フォルダー(コピー)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders, linked (take no room)…</source>
   <translation>クラス別フォルダー(リンク、容量不要)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Class folders…</source>
   <translation>クラス別フォルダー…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Drawings kept in Draw</source>
   <translation>「描画」で保存したもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Class Folders into a New Folder</source>
   <translation>クラス別フォルダーを新しいフォルダーへエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Labels as COCO</source>
   <translation>ラベルをCOCOでエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export Labels as a Table</source>
   <translation>ラベルを表でエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Export labels</source>
   <translation>ラベルをエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import Class Folders</source>
   <translation>クラス別フォルダーをインポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import a Table of Labels</source>
   <translation>ラベルの表をインポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Import labels</source>
   <translation>ラベルをインポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Importing drawings…</source>
   <translation>描画をインポートしています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Importing labels…</source>
   <translation>ラベルをインポートしています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Looking for pictures that were moved…</source>
   <translation>移動された画像を探しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>No picture is missing.</source>
   <translation>見つからない画像はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>None yet</source>
   <translation>まだありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Tables (*.csv *.tsv *.txt)</source>
   <translation>表 (*.csv *.tsv *.txt)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>What was judged in Evaluate</source>
   <translation>「評価」で判断したもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Where May the Pictures Lie Now?</source>
   <translation>画像は今どこにありますか</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Writing class folders…</source>
   <translation>クラス別フォルダーを書き出しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>Writing…</source>
   <translation>書き込んでいます…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} files hold another picture now: they are not learned from until you label them again.</source>
   <translation>{0}個のファイルは今は別の画像です。もう一度ラベルを付けるまで学習に使いません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} had their label already</source>
   <translation>{0}枚にはすでにラベルがありました</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} labels were taken over</source>
   <translation>ラベル{0}件を取り込みました</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} labels were written.</source>
   <translation>ラベル{0}件を書き出しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures are new</source>
   <translation>画像{0}枚が新規です</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures could not be read ({1}: {2}).</source>
   <translation>画像{0}枚が読めませんでした({1}: {2})。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were found again.</source>
   <translation>画像{0}枚が見つかりました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were found again; {1} are still missing.</source>
   <translation>画像{0}枚が見つかり、{1}枚はまだ見つかりません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} pictures were written into class folders.</source>
   <translation>画像{0}枚をクラス別フォルダーに書き出しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} rows contradict others: those pictures have no label.</source>
   <translation>{0}行がほかの行と矛盾しています。それらの画像にはラベルがありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/exchange.py" />
   <source>{0} rows name pictures that are not there ({1} …).</source>
   <translation>{0}行が、存在しない画像を挙げています({1} …)。</translation>
  </message>
 </context>
 <context>
  <name>ExportDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Beside it lies a certificate that says how far its answers are from the model's own. It names no picture.</source>
   <translation>回答がモデル自身の回答とどれだけ違うかを示す証明書が付きます。画像の名前は書かれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Choose…</source>
   <translation>選択…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Compare on a folder of yours, too</source>
   <translation>自分のフォルダーでも比較する</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Export {0}</source>
   <translation>{0}をエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Export…</source>
   <translation>エクスポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It was imported as .tflite and has no Keras form.</source>
   <translation>.tfliteとしてインポートされたため、Keras形式がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Only the pictures drawn by Fovea</source>
   <translation>Foveaが描いた画像だけ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pictures to compare on</source>
   <translation>比較に使う画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The checksums travel with it: the other Fovea compares every file.</source>
   <translation>チェックサムも一緒に渡されます: 相手のFoveaがすべてのファイルを照合します。</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0から1(255で割る)</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0から1、ImageNetの平均を引き、その標準偏差で割る(PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0から255、そのまま</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">青、緑、赤、ImageNetの平均を引く(Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">画像の大きさの合わせ方</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">ピクセルの与え方</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">クラス</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">名前</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">大きさ</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">出力の種類</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1から1</translation>
  </message>
 </context>
 <context>
  <name>Exports</name>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>All figures with their intervals, for programs.</source>
   <translation>すべての数値と区間、プログラム用。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Complete, for another Fovea (.zip)</source>
   <translation>完全、別のFovea用(.zip)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Copying {0} pictures…</source>
   <translation>画像{0}枚をコピーしています…</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Figures (JSON)…</source>
   <translation>数値(JSON)…</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>HTML report…</source>
   <translation>HTMLレポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>Keras (.keras)</source>
   <translation>Keras(.keras)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>LiteRT (.tflite)</source>
   <translation>LiteRT(.tflite)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Not saved: {0}</source>
   <translation>保存されませんでした: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>ONNX (.onnx)</source>
   <translation>ONNX(.onnx)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>One file for any browser: figures, curves, mistakes, limits.</source>
   <translation>どのブラウザーでも見られる一つのファイル: 数値、曲線、誤り、限界。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>One line for every picture: truth, answer, scores.</source>
   <translation>画像ごとに1行: 正解、回答、スコア。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>PDF report…</source>
   <translation>PDFレポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Picture (*.png)</source>
   <translation>画像 (*.png)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Picture of both plots (*.png)</source>
   <translation>両方のグラフの画像 (*.png)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Predictions (CSV)…</source>
   <translation>予測(CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Save as {0}</source>
   <translation>{0}として保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Save the List</source>
   <translation>一覧を保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Saved: {0}</source>
   <translation>保存しました: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Saving the list…</source>
   <translation>一覧を保存しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Something is still being written. Try again in a moment.</source>
   <translation>まだ書き込み中です。少し待ってからもう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Strokes, to draw on later (*.json)</source>
   <translation>線、あとで続きを描く (*.json)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Table (*.csv)</source>
   <translation>表 (*.csv)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>The same on pages, to print or to file.</source>
   <translation>同じ内容をページに。印刷または保管用。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Training plan (*.json)</source>
   <translation>学習計画 (*.json)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Where Should the New Folder Be?</source>
   <translation>新しいフォルダーの場所</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>Writing {0}…</source>
   <translation>{0}を書き込んでいます…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>evaluation</source>
   <translation>評価</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>everything, with its card and checksums</source>
   <translation>すべて。カードとチェックサム付き</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>for ONNX Runtime and many other programs</source>
   <translation>ONNX Runtimeとほかの多くのプログラム用</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>for telephones and small computers</source>
   <translation>携帯電話と小型コンピューター用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_formats.py" />
   <source>to train on, or to use in Python</source>
   <translation>さらに学習するため、またはPythonで使うため</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>{0} – selected pictures</source>
   <translation>{0} – 選択した画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/exports.py" />
   <source>{0}: {1} pictures could not be copied.</source>
   <translation>{0}: 画像{1}枚をコピーできませんでした。</translation>
  </message>
 </context>
 <context>
  <name>FactsStrip</name>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Device</source>
   <translation>デバイス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Facts of the training</source>
   <translation>学習の情報</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Learning rate</source>
   <translation>学習率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Memory</source>
   <extracomment>The computer's memory in use.</extracomment>
   <translation>メモリ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Parameters</source>
   <translation>パラメータ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Speed</source>
   <translation>速度</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>Time left</source>
   <translation>残り時間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>{0} images/s</source>
   <translation>毎秒{0}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/facts.py" />
   <source>{0} to learn from, {1} to check</source>
   <translation>学習用{0}枚、検証用{1}枚</translation>
  </message>
 </context>
 <context>
  <name>FigureCard</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>95 % interval {0}, from {1} images</source>
   <translation>95 %区間{0}、画像{1}枚から</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0}; several images of one person or case count together</source>
   <translation>{0}。同じ人または件の複数の画像はまとめて数えます</translation>
  </message>
 </context>
 <context>
  <name>FilesTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>All are what they were when the model was made.</source>
   <translation>すべて、モデルが作られたときのままです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation>検証結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Compare every file with its checksum</source>
   <translation>すべてのファイルをチェックサムと照合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>File</source>
   <extracomment>The window (range of grey values) that the DICOM file itself names.</extracomment>
   <translation>ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Files</source>
   <translation>ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Not as they were: {0}.</source>
   <translation>元のままでないもの: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>SHA-256</source>
   <translation>SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Show folder</source>
   <translation>フォルダーを表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size</source>
   <translation>大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>There are no files of it on this computer.</source>
   <translation>このコンピューターにそのファイルはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Verify</source>
   <translation>検証</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>not yet</source>
   <translation>まだです</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} files, {1}.</source>
   <translation>{0}個のファイル、{1}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✓ unchanged</source>
   <translation>✓ 変更なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ changed</source>
   <translation>✗ 変更あり</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ missing</source>
   <translation>✗ ファイルなし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>✗ unreadable</source>
   <translation>✗ 読めません</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">入手元</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">クレジット</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">ライセンス</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">ネットワーク</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">パラメータ</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">報告値</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">ダウンロードの大きさ</translation>
  </message>
 </context>
 <context>
  <name>FilterSheet</name>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>Filter {0}</source>
   <translation>フィルター{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>Filters of the first layer</source>
   <translation>最初の層のフィルター</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/filter_sheet.py" />
   <source>{0} filters of {1} × {2} pixels; grey is a weight of 0</source>
   <translation>{1}×{2}ピクセルのフィルター{0}個。灰色は重み0</translation>
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
   <translation>1枚ずつ残す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Keep them all</source>
   <translation>すべて残す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Leave them out</source>
   <translation>除く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Must be mended</source>
   <extracomment>A finding that stops the training until it is corrected.</extracomment>
   <translation>要修正</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Note</source>
   <translation>情報</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>What to do about it</source>
   <translation>どうするか</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>and {0} more</source>
   <translation>ほか{0}</translation>
  </message>
 </context>
 <context>
  <name>FindingsPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source> · {0} left</source>
   <translation> · 残り{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>A classifier needs pictures of two classes or more, each in a folder of its own.</source>
   <translation>分類器には、2クラス以上の画像が、それぞれ別のフォルダーに必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Begins the training at once; everything else stays as recommended</source>
   <translation>すぐに学習を始めます。ほかはすべて推奨のままです</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Broken pictures are then found, and left out, when the training begins</source>
   <translation>壊れた画像は、学習の開始時に見つけて除きます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every class needs a picture to learn from; leave out the classes that have none.</source>
   <translation>どのクラスにも学習用の画像が必要です。画像のないクラスは除いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every class needs two pictures or more: one to learn from and one to check with.</source>
   <translation>どのクラスにも2枚以上の画像が必要です: 学習用に1枚、検証用に1枚。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Every picture is opened once, before a training could stumble over it.</source>
   <translation>学習がつまずく前に、すべての画像を一度開きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Findings</source>
   <extracomment>A page of the wizard: what was found while looking through the pictures.</extracomment>
   <translation>確認結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Look at the recommended settings</source>
   <translation>推奨の設定を見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Looking for copies</source>
   <translation>コピーを探しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Looking for pictures of one person</source>
   <translation>同じ人の画像を探しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Opening the pictures</source>
   <translation>画像を開いています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Pictures of each class</source>
   <translation>各クラスの画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Reading the folder</source>
   <translation>フォルダーを読んでいます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Skip the look</source>
   <translation>確認を省く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Skips to the last page; everything between stays as recommended</source>
   <translation>最後のページに進みます。途中はすべて推奨のままです</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Start with the recommended settings</source>
   <translation>推奨の設定で開始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>There are no pictures yet.</source>
   <translation>まだ画像がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>This has to be mended before a training can start; change the folder, then look again.</source>
   <translation>学習を始める前に直す必要があります。フォルダーを直してからもう一度確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>Too few pictures of {0} stay with what is left out below; keep some of them.</source>
   <translation>下で除くと、{0}の画像が少なくなりすぎます。いくつか残してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>What Fovea found in it</source>
   <translation>Foveaが見つけたこと</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>all {0}×{1} pixels</source>
   <translation>すべて{0}×{1}ピクセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>nothing odd: every picture opens, and none is there twice</source>
   <translation>問題なし: すべての画像が開け、二重のものはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>splits: {0}</source>
   <translation>分割: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0} and {1} more</source>
   <translation>{0}、ほか{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0}: {1} pictures in {2} classes</source>
   <translation>{0}: {2}クラスの画像{1}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/findings_page.py" />
   <source>{0}×{1} to {2}×{3} pixels, median {4}×{5}</source>
   <translation>{0}×{1}から{2}×{3}ピクセル、中央値{4}×{5}</translation>
  </message>
 </context>
 <context>
  <name>FirstModelsBar</name>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source> and </source>
   <extracomment>Between two names.</extracomment>
   <translation> と </translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>'{0}'</source>
   <translation>「{0}」</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>Cancelled. 'Everyday photographs' can be made at any time under Models, with Install.</source>
   <translation>キャンセルしました。「日常の写真」は「モデル」の「インストール」でいつでも作れます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>Making '{0}' from what was installed: once, in about a minute. Until then Classify works with {1}.</source>
   <translation>インストール済みのものから「{0}」を作成しています(一度だけ、約1分)。それまで「分類」は{1}で動きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>The model for everyday photographs is not there: {0} {1} Everything else works without it.</source>
   <translation>日常の写真用のモデルがありません: {0} {1} ほかの機能はこのモデルなしで使えます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/first_models.py" />
   <source>the other models</source>
   <translation>ほかのモデル</translation>
  </message>
 </context>
 <context>
  <name>FolderPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>A folder that holds one folder of pictures for each class, for instance 'cats' and 'dogs'; or pictures with a table of their labels, or with labels in their names. Your files are only read, never changed, and nothing leaves this computer.</source>
   <translation>クラスごとに画像のフォルダーが一つずつあるフォルダー(例: 'cats'と'dogs')、またはラベルの表や名前の中にラベルがある画像。ファイルは読むだけで変更されず、このコンピューターの外には何も出ません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Drawings that you named and kept in the Draw view</source>
   <translation>「描画」ビューで名前を付けて保存したもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Drop a folder here</source>
   <translation>フォルダーをここにドロップ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>My drawings ({0})</source>
   <translation>自分の描画({0})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open a folder…</source>
   <translation>フォルダーを開く…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open another folder…</source>
   <translation>別のフォルダーを開く…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Open the labelled folder {0}</source>
   <translation>ラベル付きフォルダー{0}を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Or a file: an archive, a table of labels, a data file (.npz, MNIST's IDX)…</source>
   <translation>またはファイル: アーカイブ、ラベルの表、データファイル(.npz、MNISTのIDX)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Reading…</source>
   <translation>読んでいます…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Recent labelled folders</source>
   <translation>最近使ったラベル付きフォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>Which pictures should it learn from?</source>
   <translation>どの画像から学習しますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures found…</source>
   <translation>画像{0}枚が見つかりました…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/folder_page.py" />
   <source>{0} pictures in {1} classes</source>
   <translation>{1}クラスの画像{0}枚</translation>
  </message>
 </context>
 <context>
  <name>Fovea</name>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>
Addresses and hashes are from {source}, sizes from public logs of downloads. Fovea's authors have not downloaded the files: the first one that passes on this computer is remembered by its SHA-256. What a package carries is compared with the SHA-256 that Fovea's authors computed, and needs no connection.</source>
   <translation>
アドレスとハッシュは{source}、大きさはダウンロードの公開記録によります。Foveaの作者自身はファイルをダウンロードしていません: このコンピューターで最初に一致したものをSHA-256で記憶します。パッケージに含まれるものは、Foveaの作者が計算したSHA-256と照合し、接続は不要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>
Does it work here? {sentence}</source>
   <translation>
ここで役立つか: {sentence}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>
The intervals rest on the {persons:,} people or cases that the names tell of.</source>
   <translation>
区間は、名前から読み取れる{persons:,}人または件に基づきます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>
no model here can answer; 'fovea models list' says why</source>
   <translation>
ここには回答できるモデルがありません。理由は'fovea models list'でわかります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>
pictures of the window:</source>
   <translation>
ウィンドウの画像:</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source> and the name of the data's folder</source>
   <translation> とデータのフォルダー名</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source> and {count:,} more</source>
   <translation> ほか{count:,}個</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source> and {count} more</source>
   <translation> ほか{count}個</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source> and {count} more classes with {sum} pictures</source>
   <translation> ほか{count}クラスの画像{sum}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source> and {step} batches</source>
   <translation> {step}バッチ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source> of '{module}'</source>
   <translation> ('{module}')</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source> of the package {distribution} {version}</source>
   <translation> (パッケージ{distribution} {version})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source> of {total:,}</source>
   <translation> / {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>'evaluation.json' cannot be read: {error}</source>
   <translation>'evaluation.json'を読めません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>'fovea --help' lists the commands.</source>
   <translation>'fovea --help'でコマンドの一覧が表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>'fovea COMMAND --help' tells more, 'fovea help' explains the program.</source>
   <translation>詳しくは'fovea COMMAND --help'、プログラムの説明は'fovea help'。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'fovea data inspect' says what is.</source>
   <translation>何があるかは'fovea data inspect'でわかります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>'fovea data inspect' says why.</source>
   <translation>理由は'fovea data inspect'でわかります。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>'fovea data inspect' tells more.</source>
   <translation>詳しくは'fovea data inspect'でわかります。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>'fovea help' lists its topics.</source>
   <translation>'fovea help'でトピックの一覧が表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>'fovea licences' lists them.</source>
   <translation>'fovea licences'で一覧が表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea predict --model {model_id} PICTURE' asks it</source>
   <translation>'fovea predict --model {model_id} PICTURE'で回答を求められます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea runs list' shows the runs there are.</source>
   <translation>実行の一覧は'fovea runs list'で表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>'fovea sort --undo {id}' takes it back</source>
   <translation>'fovea sort --undo {id}'で取り消せます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea train --resume {name}' takes it up</source>
   <translation>'fovea train --resume {name}'で再開できます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>'fovea train --resume {own}' takes it up; for a new one name another folder.</source>
   <translation>'fovea train --resume {own}'で再開できます。新しく始めるには別のフォルダーを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'fovea train --resume {run}' makes its model</source>
   <translation>'fovea train --resume {run}'でモデルができます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'mnist.npz' was not found</source>
   <translation>'mnist.npz'が見つかりませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>'{a}' alone is right on {only_a:,} images, '{b}' alone on {only_b:,}</source>
   <translation>'{a}'だけが正解した画像は{only_a:,}枚、'{b}'だけは{only_b:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>'{a}' and '{b}' are right and wrong on the same images.</source>
   <translation>'{a}'と'{b}'は同じ画像で正解し、同じ画像で誤っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/saliency.py" />
   <source>'{file}' describes no end of a network: {error}</source>
   <translation>'{file}'はネットワークの末端を記述していません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>'{file}' does not fit its network</source>
   <translation>'{file}'がネットワークと合いません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/first_layer.py" />
   <source>'{file}' holds no filters: {error}</source>
   <translation>'{file}'にフィルターがありません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/domain.py" />
   <source>'{file}' is no domain gate: {error}</source>
   <translation>'{file}'はドメインゲートではありません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/second.py" />
   <source>'{file}' is no second opinion: {error}</source>
   <translation>'{file}'はセカンドオピニオンではありません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>'{file}' of model '{id}' does not fit its network</source>
   <translation>モデル'{id}'の'{file}'がネットワークと合いません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>'{given}' begins {count} runs</source>
   <translation>'{given}'で始まる実行が{count}個あります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{id}' comes as a package ({distribution}), not from an address</source>
   <translation>'{id}'はアドレスからではなく、パッケージ({distribution})として提供されます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{id}' is not in the trash</source>
   <translation>'{id}'はゴミ箱にありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>'{id}' names no classes that could be learned further</source>
   <translation>'{id}'には、さらに学習できるクラスが挙げられていません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{key}' cannot be set this way</source>
   <translation>'{key}'はこの方法では設定できません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>'{key}' cannot be varied: each trial would be checked with other pictures, and none could be compared</source>
   <translation>'{key}'は変えられません: 試行ごとに別の画像で検証されることになり、比較できません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{key}' is no setting</source>
   <translation>'{key}'という設定はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>'{label}' where its score is at least {threshold:.6g}</source>
   <translation>スコアが{threshold:.6g}以上のとき'{label}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>'{layout}' is no layout: expected folders, table… or names…</source>
   <translation>'{layout}'はレイアウトではありません。使えるもの: folders、table…、names…</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>'{layout}' is no pattern</source>
   <translation>'{layout}'はパターンではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>'{layout}' is no table layout</source>
   <translation>'{layout}'は表のレイアウトではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'{layout}' labels none of the {count:,} pictures in '{title}'</source>
   <translation>'{layout}'では、'{title}'の画像{count:,}枚のどれにもラベルが付きません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{left}' belongs to no layer of {name}</source>
   <translation>'{left}'は{name}のどの層のものでもありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>'{name}' cannot be read</source>
   <translation>'{name}'を読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' cannot be read ({fault})</source>
   <translation>'{name}'を読めません({fault})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>'{name}' cannot be read as a drawing</source>
   <translation>'{name}'を描画として読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>'{name}' cannot be read: {reason}</source>
   <translation>'{name}'を読めません: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' cannot be trained on: it has no {keras_file}</source>
   <translation>'{name}'の上で学習できません: {keras_file}がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' could not be unpacked: {reason}</source>
   <translation>'{name}'を展開できませんでした: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' declares {size:.1f} GiB</source>
   <translation>'{name}'は{size:.1f} GiBと宣言しています</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/explaining.py" />
   <source>'{name}' does not end in pooling and one dense layer; it has no class activation map</source>
   <translation>'{name}'の末尾がプーリングと一つの全結合層ではないため、クラス活性化マップはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>'{name}' does not give what its stages know</source>
   <translation>'{name}'は、その段階で知ったことを出力しません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>'{name}' gives scores alone, nothing that another classifier could build upon</source>
   <translation>'{name}'はスコアだけを出力し、別の分類器の土台になるものがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>'{name}' has no Keras form: it was imported as .tflite</source>
   <translation>'{name}'にKeras形式はありません: .tfliteとしてインポートされました</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>'{name}' has no Keras network to ask for gradients</source>
   <translation>'{name}'には、勾配を求められるKerasネットワークがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' has no column of labels; its columns: {columns}</source>
   <translation>'{name}'にラベルの列がありません。列: {columns}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' has no column of pictures; its columns: {columns}</source>
   <translation>'{name}'に画像の列がありません。列: {columns}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' has the shape {shape}; {tuple} expected</source>
   <translation>'{name}'の形は{shape}です。{tuple}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>'{name}' has {size:,} bytes, at most {most_bytes:,} expected</source>
   <translation>'{name}'は{size:,}バイトです。最大{most_bytes:,}バイトです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' has {size:.1f} GiB; at most 1 GiB is opened</source>
   <translation>'{name}'は{size:.1f} GiBです。開けるのは最大1 GiBです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>'{name}' has {size} bytes, {size2} expected</source>
   <translation>'{name}'は{size}バイトです。{size2}バイトのはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' holds groups of rows of {found:,} MiB; at most {most} MiB expected</source>
   <translation>'{name}'の行グループは{found:,} MiBです。最大{most} MiBのはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' holds more than the {most:,} bytes expected</source>
   <translation>'{name}'は予定の{most:,}バイトを超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>'{name}' holds more than {most:,} pictures</source>
   <translation>'{name}'には{most:,}枚を超える画像があります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' holds more than {most_files:,} files</source>
   <translation>'{name}'には{most_files:,}個を超えるファイルがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' holds no numbers of 32 bits</source>
   <translation>'{name}'に32ビットの数がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' holds {found}; {expected}</source>
   <translation>'{name}'の内容は{found}です。{expected}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>'{name}' in the archive does not match its checksum</source>
   <translation>アーカイブの'{name}'がチェックサムと一致しません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' in the archive is damaged</source>
   <translation>アーカイブの'{name}'が破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' is a Parquet file ({told}), for which the package pyarrow is needed</source>
   <translation>'{name}'はParquetファイル({told})で、パッケージpyarrowが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' is a Parquet file, for which the package pyarrow is needed</source>
   <translation>'{name}'はParquetファイルで、パッケージpyarrowが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>'{name}' is a file, not a folder</source>
   <translation>'{name}'はファイルで、フォルダーではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is a pickle that carries code ('{error}'); it was not run</source>
   <translation>'{name}'はコードを含むpickle('{error}')です。実行しませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{name}' is a pointer of Git LFS, not the file itself</source>
   <translation>'{name}'はGit LFSのポインターで、ファイルそのものではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is cut off: {count:,} of {size:,} bytes are there</source>
   <translation>'{name}'は途中で切れています: {size:,}バイト中{count:,}バイトしかありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is damaged or cannot be read</source>
   <translation>'{name}'は破損しているか、読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is damaged or no .npz of plain arrays ({name2})</source>
   <translation>'{name}'は破損しているか、単純な配列の.npzではありません({name2})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is damaged or no CIFAR batch ({name2})</source>
   <translation>'{name}'は破損しているか、CIFARのバッチではありません({name2})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' is damaged, or no list of labels</source>
   <translation>'{name}'は破損しているか、ラベルの一覧ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>'{name}' is in the trash; 'fovea models restore {quote}' takes it back</source>
   <translation>'{name}'はゴミ箱にあります。'fovea models restore {quote}'で戻せます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>'{name}' is larger than {most_bytes} MB</source>
   <translation>'{name}'は{most_bytes} MBを超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' is larger than {most} MiB</source>
   <translation>'{name}'は{most} MiBを超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>'{name}' is missing</source>
   <translation>'{name}'がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}' is no CIFAR batch: expected 'data' (n, {pixels}) and 'labels'</source>
   <translation>'{name}'はCIFARのバッチではありません: 'data'(n, {pixels})と'labels'が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{name}' is no IDX file of bytes with {dimensions} dimensions</source>
   <translation>'{name}'は{dimensions}次元のバイトのIDXファイルではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is no list of labels</source>
   <translation>'{name}'はラベルの一覧ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_results.py" />
   <source>'{name}' is no name for a search</source>
   <translation>'{name}'は探索の名前に使えません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>'{name}' is no table of pictures and labels</source>
   <translation>'{name}'は画像とラベルの表ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is no text in UTF-8</source>
   <translation>'{name}'はUTF-8のテキストではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>'{name}' is not described</source>
   <translation>'{name}'の記述がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>'{name}' is not empty</source>
   <translation>'{name}'は空ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching.py" />
   <source>'{name}' is not there any more</source>
   <translation>'{name}'はもうありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' is there in version {version}; the plan begins from version {version2}</source>
   <translation>'{name}'はバージョン{version}ですが、計画はバージョン{version2}から始めます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{name}' is too large for a list of labels</source>
   <translation>'{name}'はラベルの一覧としては大きすぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' names more than {most:,} pictures</source>
   <translation>'{name}'が挙げる画像は{most:,}枚を超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>'{name}' names no classes</source>
   <translation>'{name}'にクラスが挙げられていません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>'{name}' names no pictures</source>
   <translation>'{name}'は画像を挙げていません</translation>
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>'{name}' names no report format</source>
   <translation>'{name}'はレポート形式を示していません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>'{name}' names no {what}</source>
   <translation>'{name}'は{what}を示していません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs 'flatten', 'gap' or 'gmp' before it</source>
   <translation>'{name}'の前に'flatten'、'gap'、'gmp'のいずれかが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs a picture, but a layer before it has flattened it</source>
   <translation>'{name}'には画像が必要ですが、前の層が平坦化しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}' needs at least {size} pixels a side and gets {shape}×{shape2}</source>
   <translation>'{name}'には一辺{size}ピクセル以上が必要ですが、{shape}×{shape2}です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>'{name}' of this run cannot be read</source>
   <translation>この実行の'{name}'を読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' takes colour pictures; the plan prepares grey ones</source>
   <translation>'{name}'はカラー画像を受け取りますが、計画ではグレーになります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{name}' takes pictures of {size}; the plan prepares {size2}</source>
   <translation>'{name}'は{size}の画像を受け取りますが、計画では{size2}になります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' unpacks to more than {most_bytes} GB</source>
   <translation>'{name}'を展開すると{most_bytes} GBを超えます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>'{name}' unpacks to more than {ratio} times its size: pictures do not</source>
   <translation>'{name}'を展開すると{ratio}倍を超えます: 画像ではこうなりません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>'{name}' would unpack to {file_size:,} bytes from {compress_size:,}</source>
   <translation>'{name}'は{compress_size:,}バイトから{file_size:,}バイトに展開されます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{name}': {count} labels for {count2} pictures, or odd ones</source>
   <translation>'{name}': 画像{count2}枚にラベル{count}件、またはおかしなラベルがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>'{name}': {shape} channels do not divide into {groups} groups</source>
   <translation>'{name}': {shape}チャンネルを{groups}グループに分けられません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>'{pair}' is no KEY=VALUE</source>
   <translation>'{pair}'はKEY=VALUEの形ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>'{pair}' is no mapping</source>
   <translation>'{pair}'は対応付けではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>'{positive}' from a score of {value:.6g} on, else '{other}'</source>
   <translation>スコア{value:.6g}以上なら'{positive}'、そうでなければ'{other}'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>'{prog} --help' shows the usage.</source>
   <translation>使い方は'{prog} --help'で表示されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>'{project_id}' is no project's id</source>
   <translation>'{project_id}'はプロジェクトのIDではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>'{recipe}' begins from a model, and none is named</source>
   <translation>'{recipe}'はモデルから始めますが、モデルが指定されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>'{run_id}' is no run</source>
   <translation>'{run_id}'は実行ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>'{scaling}' is for colour pictures; this network takes grey ones.</source>
   <translation>'{scaling}'はカラー画像用ですが、このネットワークはグレーを受け取ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{solved}' cannot train a whole network</source>
   <translation>'{solved}'ではネットワーク全体を学習できません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>'{solved}' solves a head without layers of its own, on the features of a model</source>
   <translation>'{solved}'は、モデルの特徴量に対する、独自の層のないヘッドを解きます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>'{text}' are no numbers of pictures</source>
   <translation>'{text}'は画像の数ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{text}' is no range</source>
   <translation>'{text}'は範囲ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{text}' names no values</source>
   <translation>'{text}'に値がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' cannot be read ({name})</source>
   <translation>'{title}'を読めません({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' does not give what its stages know</source>
   <translation>'{title}'は、その段階で知ったことを出力しません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' has a label {max}, but names only {count} classes</source>
   <translation>'{title}'にラベル{max}がありますが、クラス名は{count}個しかありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>'{title}' has no class {missing}</source>
   <translation>'{title}'にクラス{missing}はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no embedding that a new last layer could build upon</source>
   <translation>'{title}'に、新しい最後の層の土台になる埋め込みがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no layer '{layer}'</source>
   <translation>'{title}'に層'{layer}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>'{title}' has no split '{wanted}'</source>
   <translation>'{title}'に分割'{wanted}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>'{title}' has no {name}</source>
   <translation>'{title}'に{name}はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>'{title}' has the splits {listing}</source>
   <translation>'{title}'には分割{listing}があります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds Python objects, which may carry code</source>
   <translation>'{title}'にはPythonオブジェクトがあり、コードを含む可能性があります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>'{title}' holds more than {most:,} Parquet files</source>
   <translation>'{title}'には{most:,}個を超えるParquetファイルがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>'{title}' holds no class folders</source>
   <translation>'{title}'にクラス別フォルダーがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds no pictures</source>
   <translation>'{title}'に画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'{title}' holds no pictures of its '{split}' split</source>
   <translation>'{title}'に分割'{split}'の画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>'{title}' holds no pictures to learn from</source>
   <translation>'{title}'に学習用の画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>'{title}' holds pictures but no class folders with pictures</source>
   <translation>'{title}'に画像はありますが、画像の入ったクラス別フォルダーがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' holds {count:,} arrays; at most {max_entries} expected</source>
   <translation>'{title}'には{count:,}個の配列があります。最大{max_entries}個のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}' is cut off</source>
   <translation>'{title}'は途中で切れています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>'{title}' is far larger than a CIFAR batch</source>
   <translation>'{title}'はCIFARのバッチよりはるかに大きいものです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is no labelled data that Fovea knows</source>
   <translation>'{title}'はFoveaが知るラベル付きデータではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is no table that names pictures beside it</source>
   <translation>'{title}'は、隣にある画像を挙げる表ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>'{title}' is not there</source>
   <translation>'{title}'がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>'{title}' was not found</source>
   <translation>'{title}'が見つかりませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>'{title}': a label {most} was found; at most {max_classes} is expected</source>
   <translation>'{title}': ラベル{most}が見つかりました。最大{max_classes}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>'{twice}' is there twice</source>
   <translation>'{twice}'が2回あります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>'{twice}' is varied twice</source>
   <translation>'{twice}'が2回指定されています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>'{where}{name}' has no settings below it</source>
   <translation>'{where}{name}'の下に設定はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>'{where}{name}' is a group of settings</source>
   <translation>'{where}{name}'は設定のグループです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>(deleted)</source>
   <translation>(削除済み)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>(this package brings no text of its licence)</source>
   <translation>(このパッケージにはライセンスの本文が付いていません)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>, n = {count:,}</source>
   <translation>、n = {count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>, n = {least:,} to {most:,}</source>
   <translation>、n = {least:,}から{most:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>, the first of {count}</source>
   <translation>、{count}個のうち最初</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>--frames goes with --camera</source>
   <translation>--frames は --camera と一緒に使います</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--input-size {input_size}: expected WxH</source>
   <translation>--input-size {input_size}: WxHの形が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>--lang LANGUAGE (or FOVEA_LANG) names a language: {languages}.</source>
   <translation>--lang LANGUAGE(または FOVEA_LANG )で言語を指定: {languages}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>--move goes with --into</source>
   <translation>--move は --into と一緒に使います</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>--out would overwrite the picture itself</source>
   <translation>--out が画像そのものを上書きします</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--pictures is no folder</source>
   <translation>--pictures がフォルダーではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>--sha256 takes 64 hexadecimal digits and goes with --from</source>
   <translation>--sha256 には16進数64桁が必要で、 --from と一緒に使います</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>.8497 (the author's split)</source>
   <translation>.8497(作成者の分割)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>0 to 1</source>
   <translation>0から1</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>0 to 1 (default: {opacity})</source>
   <translation>0から1(既定: {opacity})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>0 to 1, then ImageNet's means subtracted and divided by its deviations (PyTorch's habit)</source>
   <translation>0から1にしてからImageNetの平均を引き、標準偏差で割る(PyTorchの慣習)</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>1 − specificity</source>
   <translation>1 − 特異度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/deep_png.py" />
   <source>16-bit, windowed {describe}</source>
   <translation>16ビット、ウィンドウ処理: {describe}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>63.87 % colour</source>
   <translation>カラー63.87 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>66.4 % test</source>
   <translation>テスト66.4 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>7.4 to 7.5 % top-5 error with its published weights</source>
   <translation>公開された重みでトップ5誤り率7.4から7.5 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>70.4 %, augmented 72 %</source>
   <translation>70.4 %、データ拡張で72 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>93.57 % test</source>
   <translation>テスト93.57 %</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>95 % interval</source>
   <translation>95 %区間</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>95 % interval {bounds}</source>
   <translation>95 %区間{bounds}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>95 %: {bounds}</source>
   <translation>95 %: {bounds}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>96.16 %: 32 units, dropout .1, Adam</source>
   <translation>96.16 %: 32ユニット、ドロップアウト.1、Adam</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>96.68 % at 5,900 pictures, 72.44 % at 300 (a dense net: 85.56 and 48.26 %)</source>
   <translation>画像5,900枚で96.68 %、300枚で72.44 %(全結合ネットワーク: 85.56 %と48.26 %)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>97.87 % test</source>
   <translation>テスト97.87 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>99.06 to 99.20 %</source>
   <translation>99.06から99.20 %</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>; it was started again</source>
   <translation>。再起動しました</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>; the model's own is {value:.3g}</source>
   <translation>。モデル自身のものは{value:.3g}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>; {count} were given</source>
   <translation>。与えられたのは{count}個</translation>
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
   <translation>&lt;!DOCTYPE html&gt;
&lt;html lang="$lang" dir="$dir"&gt;&lt;head&gt;&lt;meta charset="utf-8"&gt;
&lt;meta name="viewport" content="width=device-width, initial-scale=1"&gt;
&lt;meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"&gt;
&lt;title&gt;$title&lt;/title&gt;&lt;style&gt;$css&lt;/style&gt;&lt;/head&gt;&lt;body&gt;&lt;main&gt;
$body
&lt;/main&gt;&lt;/body&gt;&lt;/html&gt;
</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>A checksum of the PNG is wrong.</source>
   <translation>PNGのチェックサムが誤っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>A figure without a value cannot be told from this data; the reason stands in its place.</source>
   <translation>値のない数値はこのデータからは求められません。その代わりに理由を示します。</translation>
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
   <translation>フォルダーは全階層を探し、隠しファイルは飛ばします。回答は画像の順に出ます。
一つのシリーズのDICOMファイルは、患者内の位置の順にまとめ、フレームごとに1行で出ます。
一つのファイルの複数フレームや、DICOMDIRが挙げるものも同様です。検査の行には、指定したフォルダーまたはDICOMDIR、
検査、シリーズ、フレームを示します。ファイル名は人名のことが多いため、 --files を指定したときだけ示します。

--json では、画像ごとに1行で一つのオブジェクトを出力します:
  path、model、label、index、probability、top(label、probabilityのリスト)、notices(テキストのリスト)、
  elapsed_ms(decode、prepare、predict)、prepared_sha256、in_domain(モデルが学習した種類の画像か。
  モデルが判断できないときはnull)、domain_score(0は自身の画像の中央、1を超えると種類が違う)、
  domain_reasons(違う理由のコード。それ以上わからないときは"unlike")、
  answer_set(誤り率error_rateで考慮すべきラベル。モデルがそのように校正されていないとき、
  および種類の違う画像ではnull)、general(語を知るモデルの、より一般的な語)、
  digits(複数の数字がある画像の、各数字のlabelとprobability)、
  suits(別の種類の画像に適する手元のモデル、またはnull)、notice(医療用モデルのもの)
  - 失敗したときは、pathとerror(kind、message)。
  - 検査または複数フレームのDICOMファイルのフレームでは、さらにstudyとseries(指定したものの中で1から数える)、
  series_number(ファイルのとおり、またはnull)、modality、frameとframes(1から)、 --files ではfileも。
--camera では'path'はカメラまたは動画の名前とフレームの番号です: 常に最新のフレームに回答し、
その間に来たものは除きます。何も保存されません。
モデルが学習したものに似た画像100枚のうち、候補の回答の組に正しいラベルが入るのは少なくとも
100 x (1 - error_rate)枚です。1枚の画像や別の種類の画像については、何も言えません。
'label'はモデルの判定規則に従い、最高スコアとは限りません。'probability'は'label'のスコアです。

終了ステータス: 0 すべての画像に回答した。1 一部が失敗、画像なし、またはモデルが未インストールか破損。
2 使い方の誤り(不明なモデルを含む)。130 Ctrl-Cで停止(それまでの出力は有効)。
</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>A frame of the GIF has no pixels.</source>
   <translation>GIFの一つのフレームにピクセルがありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>A frame of the PNG's animation lies outside its picture.</source>
   <translation>PNGアニメーションの一つのフレームが画像の外にあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>A kept evaluation is damaged and not listed: '{name}'.</source>
   <translation>保存した評価が破損しているため一覧に出しません: '{name}'。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>A lookup table in the DICOM's header contradicts its description.</source>
   <translation>DICOMのヘッダーのルックアップテーブルがその説明と矛盾しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>A model of another Fovea comes whole: export it there as one .zip.</source>
   <translation>別のFoveaのモデルは丸ごと渡されます: そこで一つの.zipとしてエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>A network that asks you to log in does that: open a browser, log in, try again.</source>
   <translation>ログインを求めるネットワークではこうなります: ブラウザーでログインし、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>A newer Fovea may read it.</source>
   <translation>新しいFoveaなら読めるかもしれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspecting.py" />
   <source>A picture or the lack of memory may have ended it: try a part of the data.</source>
   <translation>画像またはメモリ不足で終了したのかもしれません: データの一部で試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>A piece of the TIFF's picture is not of the size declared.</source>
   <translation>TIFFの画像の一部が宣言された大きさではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>A small residual net, quick on a CPU, for photos and scans of any kind: the one to begin with.</source>
   <translation>小さな残差ネットワーク。CPUでも速く、どんな写真やスキャンにも使えます: まずこれから始めてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>A threshold that was chosen on this very data would make its figures look too good.</source>
   <translation>このデータそのもので選んだしきい値では、数値が良く見えすぎます。</translation>
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
   <translation>学習は実行として残ります: 計画、どの画像がどちら側か、曲線、エポックごとのチェックポイント
('fovea runs list')。--resume は、異常終了のあとでも、止まった所から正確に再開します。Ctrl-C 1回: このバッチの
あと、チェックポイントを残して停止。2回: すぐに停止(最後のチェックポイントは残る)。

例:
  fovea train --data photos --name "My pets"
  fovea train --preset mnist-lenet --name digits --epochs 5
  fovea train --data photos --from cifar10 --how features --name pets
  fovea train --data photos --architecture C32k3s,P2,flatten,D128 --size 64 --set optimizer.rate=0.002 --name small
  fovea train --resume last

--json では、すべてのイベントが1行に一つのJSONオブジェクトになります("event": started, phase, batch-done, epoch-done, note,
checkpointed, finished)。実行とモデルの数値は"event": "run"と"model"として出ます。

終了ステータス: 0 モデルが保管された。1 失敗した。2 使い方の誤りまたは不適切な計画。130 Ctrl-Cで停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>About the data</source>
   <translation>データについて</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>About the model: intended use and limits</source>
   <translation>モデルについて: 使用目的と限界</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Accuracy against share answered</source>
   <translation>正解率と回答割合</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Accuracy where the least sure images are left to a person:</source>
   <translation>最も不確かな画像を人に任せた場合の正解率:</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching.py" />
   <source>Add it again from where it is now.</source>
   <translation>今ある場所からもう一度追加してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>Add other pictures of each class, or pictures to check with in a folder 'val'.</source>
   <translation>各クラスの画像をさらに追加するか、検証用の画像をフォルダー'val'に追加してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/training_data.py" />
   <source>Add pictures of it to those to learn from, or leave the class out.</source>
   <translation>学習用にその画像を追加するか、そのクラスを除いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Add pictures, or start from a model that has learnt.</source>
   <translation>画像を追加するか、学習済みのモデルから始めてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>AlexNet</source>
   <translation>AlexNet</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>All of this is of the {count:,} images that both answered.</source>
   <translation>すべて、両方が回答した画像{count:,}枚のものです。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>All, by the score that the truth got.</source>
   <translation>すべて、正解が得たスコアの順。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Answers</source>
   <extracomment>How often a class was given as the answer.</extracomment>
   <translation>回答数</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>Are its outputs probabilities, or raw values (logits)?</source>
   <translation>出力は確率ですか、生の値(ロジット)ですか。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>At least {fewest} of each are needed.</source>
   <translation>それぞれ少なくとも{fewest}必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Be the only ground for a decision that can harm anybody.</source>
   <translation>誰かに害を与えうる決定の唯一の根拠とすること。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Begin it again whenever you like; nothing was kept.</source>
   <translation>いつでも始め直せます。何も保存されていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Both ends must be numbers.</source>
   <translation>両端は数である必要があります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Both ends of a range of whole numbers must be whole numbers.</source>
   <translation>整数の範囲の両端は整数である必要があります。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Bright areas point towards '{labels}' ({how}, model {id})</source>
   <translation>明るい部分は'{labels}'を示しています({how}、モデル{id})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>CAUTION: {unanswered}
</source>
   <translation>注意: {unanswered}
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
   <translation>使えるカラープロファイルのないCMYKを、近似的にsRGBへ変換</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Calibration</source>
   <translation>校正</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Cats and dogs</source>
   <translation>猫と犬</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Change it in the plan's file.</source>
   <translation>計画のファイルで変更してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Change its permissions or copy it.</source>
   <translation>権限を変えるか、コピーしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Check --storage, or give the search another --name.</source>
   <translation>--storage を確認するか、探索に別の --name を付けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Check it.</source>
   <translation>確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Check some labels, too.</source>
   <translation>一部のラベルも確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>Check that it is there.</source>
   <translation>それがあるか確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Check that it was not moved or its drive removed.</source>
   <translation>移動されていないか、ドライブが外されていないか確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>Check the disk, then try again.</source>
   <translation>ディスクを確認してから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>Check the drive and the folder.</source>
   <translation>ドライブとフォルダーを確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Check the drive or the connection, then try again.</source>
   <translation>ドライブまたは接続を確認して、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Check the path.</source>
   <translation>パスを確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>Check this installation: models, engine, window.</source>
   <translation>このインストールを確認します: モデル、エンジン、ウィンドウ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Chest X-rays: strided convolutions</source>
   <translation>胸部X線画像: ストライド付き畳み込み</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>Choose 'covering parts' (occlusion).</source>
   <translation>「部分を隠す」(occlusion)を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Choose a .keras, .h5, .tflite or .zip file.</source>
   <translation>.keras、.h5、.tflite、.zipのいずれかのファイルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Choose a file that ends in .h5 or .weights.h5.</source>
   <translation>.h5または.weights.h5で終わるファイルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>Choose a name that says what the model tells apart.</source>
   <translation>モデルが見分けるものを表す名前を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Choose a new folder: nothing is written over.</source>
   <translation>新しいフォルダーを選んでください: 上書きはしません。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Choose another file.</source>
   <translation>別のファイルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>Choose another folder, or free some space.</source>
   <translation>別のフォルダーを選ぶか、空きを作ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>Choose another folder, or remove it.</source>
   <translation>別のフォルダーを選ぶか、それを除いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>Choose another folder.</source>
   <translation>別のフォルダーを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>Choose another model.</source>
   <translation>別のモデルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>Choose another name.</source>
   <translation>別の名前を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Choose another one.</source>
   <translation>別のものを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>Choose another place.</source>
   <translation>別の場所を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>Choose another set.</source>
   <translation>別のセットを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>Choose another start.</source>
   <translation>別の開始点を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Choose frame 1 to {frames}.</source>
   <translation>フレーム1から{frames}を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/explaining.py" />
   <source>Choose gradients (grad-cam) or occlusion.</source>
   <translation>勾配(grad-cam)または遮蔽(occlusion)を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Choose larger pictures or fewer layers.</source>
   <translation>画像を大きくするか、層を減らしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>Choose occlusion.</source>
   <translation>遮蔽(occlusion)を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Choose one of the questions, and give its answers as labels.</source>
   <translation>問いを一つ選び、その答えをラベルとして与えてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Choose one with --split.</source>
   <translation>--split で一つ選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>Choose smaller pictures, a smaller network or a smaller batch.</source>
   <translation>画像、ネットワーク、バッチのどれかを小さくしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Classes → labels</source>
   <translation>クラス → ラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Classes: {known}.</source>
   <translation>クラス: {known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>Classify a few samples with every model, and draw the window.</source>
   <translation>いくつかのサンプルを全モデルで分類し、ウィンドウを描きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>Classify pictures.</source>
   <translation>画像を分類します。</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Classifying and evaluating need none of it; the full edition has Keras and TensorFlow.</source>
   <translation>分類と評価にはどれも不要です。完全版にはKerasとTensorFlowがあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>Close it there, or choose another place.</source>
   <translation>そこで閉じるか、別の場所を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Close other programs first.</source>
   <translation>先にほかのプログラムを閉じてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Close other programs or scale it down first.</source>
   <translation>ほかのプログラムを閉じるか、先に縮小してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>Close other programs or use a smaller picture.</source>
   <translation>ほかのプログラムを閉じるか、小さい画像を使ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>Close other programs, or use a smaller batch or smaller pictures, then go on from the checkpoint.</source>
   <translation>ほかのプログラムを閉じるか、バッチまたは画像を小さくして、チェックポイントから続けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>Close other programs, then try again.</source>
   <translation>ほかのプログラムを閉じてから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>Columns there: {there}.</source>
   <translation>そこにある列: {there}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>Commands: {available}.</source>
   <translation>コマンド: {available}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Compared on the same images</source>
   <translation>同じ画像での比較</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Computed on</source>
   <translation>計算環境</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Confusion matrix</source>
   <translation>混同行列</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>Convert it again with a fixed size.</source>
   <translation>大きさを固定して変換し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>Convert it again with built-in operations alone.</source>
   <translation>組み込みの演算だけで変換し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Copy it again.</source>
   <translation>もう一度コピーしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>Copy or download it again.</source>
   <translation>もう一度コピーするかダウンロードしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Copy or export it again.</source>
   <translation>もう一度コピーまたはエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Copy or export the file again.</source>
   <translation>ファイルをもう一度コピーまたはエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>Copy or move pictures into folders by what a model says of them, or rename them.</source>
   <translation>モデルの回答により画像をフォルダーにコピーまたは移動、または名前を変更します。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/samples.py" />
   <source>Copy samples into a folder: pictures to try, to evaluate a model on, to train on.</source>
   <translation>サンプルをフォルダーにコピーします: 試す、モデルを評価する、学習に使うための画像。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>Copy the whole disc or folder, not the DICOMDIR alone.</source>
   <translation>DICOMDIRだけでなく、ディスクまたはフォルダー全体をコピーしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Copy them again from where they came, or go on without them.</source>
   <translation>元の場所からもう一度コピーするか、これらなしで続けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Count, open and compare labelled pictures; say what is there and what is wrong with it.</source>
   <translation>ラベル付き画像を数え、開き、比べ、何があり何が問題かを示します。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Curves and threshold</source>
   <translation>曲線としきい値</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>DATA is a folder with one folder for each class (also below train, val and test), an archive of one, an .npz file, IDX
files, or CIFAR's python batches. Nothing in it is changed, and what is printed names no folder of this computer.

exit status: 0 a model can be trained on it; 1 not as it is (the text says why), or it cannot be read; 2 wrong usage
</source>
   <translation>DATAは、クラスごとに一つのフォルダーがあるフォルダー(train、val、testの下でもよい)、そのアーカイブ、.npzファイル、IDX
ファイル、またはCIFARのpythonバッチです。中身は何も変更されず、出力にこのコンピューターのフォルダー名は出ません。

終了ステータス: 0 モデルを学習できる。1 このままではできない(理由を表示)、または読めない。2 使い方の誤り
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
   <translation>DATAは、クラスごとに一つのフォルダーがあるフォルダー(上にtrain、val、testのフォルダーがあってもよい)、Kerasの
配置の.npzファイル、MNISTのIDXファイル、またはCIFAR-10のpythonバッチです。 --split がなければ、分割'test'があるとき
それを使います。モデルのラベルでないクラス名は --map で対応付けます。推測は行いませんが、大文字と小文字だけが
異なる名前は同じとみなし、そのことを表示します。

終了ステータス: 0 すべての画像に回答した。1 一部に回答がない(一覧に出し、数に入れない)、またはモデルか
データが使えない。2 使い方の誤り(不明なモデルやクラスの対応付けを含む)。130 Ctrl-Cで停止(それまでの回答は
未完了の結果として保存され、ウィンドウの「評価」で開ける)。
</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Data fingerprint</source>
   <translation>データのフィンガープリント</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Delete it.</source>
   <translation>削除してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Delete or move that one first, then undo.</source>
   <translation>先にそのモデルを削除または移動してから、元に戻してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Dense 100 on small grey letters that Fovea draws and shears.</source>
   <translation>Foveaが描いて傾けた小さなグレーの文字に、全結合100。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Develop it in a photo program and save it as TIFF or JPEG.</source>
   <translation>写真プログラムで現像し、TIFFまたはJPEGとして保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Did you mean {topics}?</source>
   <translation>もしかして: {topics}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Difference in accuracy: {difference}.</source>
   <translation>正解率の差: {difference}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits from few pictures</source>
   <translation>少ない画像から数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: LeNet-5 of 1998</source>
   <translation>数字: 1998年のLeNet-5</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: a LeNet</source>
   <translation>数字: LeNet</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: dense 128 and 60</source>
   <translation>数字: 全結合128と60</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: one point of the grid</source>
   <translation>数字: 格子の1点</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: two convolutions</source>
   <translation>数字: 畳み込み二つ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Digits: two small dense layers</source>
   <translation>数字: 小さな全結合層二つ</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Does it work here?</source>
   <translation>ここで役立つか</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>Draw the window into a PNG file, without a display.</source>
   <translation>画面なしで、ウィンドウをPNGファイルに描きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>Draw where in a picture a model found its answer.</source>
   <translation>モデルが画像のどこから回答を得たかを描きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Duplicate it and change the copy.</source>
   <translation>複製して、そのコピーを変更してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>ECE: top score against share right, 15 bins of equal width.</source>
   <translation>ECE: 最高スコアと正解の割合、等幅15区分。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Each group stays on one side of the split.</source>
   <translation>各グループは分割の片側にまとめられます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Each group stays on one side of the split: a frame says little of a network that learnt from the next one.</source>
   <translation>各グループは分割の片側にまとめられます: 隣のフレームから学習したネットワークについて、1フレームではほとんど何もわかりません。</translation>
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
   <translation>各ネットワークを、クラスの割合どおりに選んだ各枚数の画像で新たに学習し、--repeats 回、抽選と
最初の重みを変えて繰り返します。すべて同じ検証画像で、または --test ではデータ自身のテスト分割で測定します。
測定したものは残ります: 同じコマンドで止まった所から続きます。学習用の画像より多い枚数は、
最初の学習の前に断ります。

例:
  fovea study small-data --preset mnist-lenet --against mnist-mlp-32 --images 300,1000,3000 --repeats 3 --epochs 4
      --name digits --plot digits.png

終了ステータス: 0 すべて測定した。1 失敗した。2 使い方の誤りまたは不適切な計画。130 Ctrl-Cで停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Evaluate both models on the same pictures.</source>
   <translation>両方のモデルを同じ画像で評価してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Evaluation of '{model}' on '{data}'</source>
   <translation>'{data}'での'{model}'の評価</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>Expected 0 to 1.</source>
   <translation>0から1が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>Expected JSON with "kind": "{kind}".</source>
   <translation>"kind": "{kind}"のあるJSONが必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Expected are pictures (a struct with 'bytes', or binary) and labels (a number or a text).</source>
   <translation>画像('bytes'を持つ構造体、またはバイナリ)とラベル(数値またはテキスト)が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>Expected for instance names:{label}_#.</source>
   <translation>たとえばnames:{label}_#のような形が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>Expected one that begins with {known}.</source>
   <translation>{known}のどれかで始まるものが必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Expected: '{stem}'.</source>
   <translation>必要なもの: '{stem}'。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>Expected: a folder for each class, named after it, with that class's pictures inside.</source>
   <translation>必要なもの: クラスごとに、クラスの名前の付いたフォルダーと、その中のそのクラスの画像。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Expected: a row for each picture, file first, label second.</source>
   <translation>必要なもの: 画像ごとに1行、最初がファイル、2番目がラベル。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Expected: file first, label second.</source>
   <translation>必要なもの: 最初がファイル、2番目がラベル。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>Expected: table:FILE:NAMES:LABELS.</source>
   <translation>必要な形: table:FILE:NAMES:LABELS。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it again from where it came.</source>
   <translation>元の場所からもう一度エクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it again, uncompressed if possible.</source>
   <translation>もう一度、できれば非圧縮でエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>Export it again.</source>
   <translation>もう一度エクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>Export it as .tflite.</source>
   <translation>.tfliteとしてエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Export it as RGB.</source>
   <translation>RGBでエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Export it uncompressed (Explicit VR Little Endian).</source>
   <translation>非圧縮(Explicit VR Little Endian)でエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Export it uncompressed and smaller.</source>
   <translation>非圧縮で、小さくしてエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>FOVEA_HOME=FOLDER moves all of Fovea's own files there.</source>
   <translation>FOVEA_HOME=FOLDERで、Fovea自身のファイルをすべてそこに移します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Features of VGG16</source>
   <translation>VGG16の特徴量</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Fetch it: git lfs pull.</source>
   <translation>取得してください: git lfs pull。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Fetch or copy it again, or export it again where it was made.</source>
   <translation>もう一度取得またはコピーするか、作成した環境でもう一度エクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Fetch or copy it again.</source>
   <translation>もう一度取得またはコピーしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Figure</source>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Figures</source>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Figures measured on such a split promise too much, unless each split numbers its people anew.</source>
   <translation>このような分割で測った数値は実力以上になります。ただし、分割ごとに人の番号を付け直している場合は別です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Figures measured on such a split promise too much.</source>
   <translation>このような分割で測った数値は実力以上になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>First a new head alone, then its last layers too, slowly.</source>
   <translation>まず新しいヘッドだけ、次に末尾の層もゆっくりと。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 128, dropout, dense 60; 30 % for validation.</source>
   <translation>平坦化、全結合128、ドロップアウト、全結合60。検証用30 %。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 32, dense 32.</source>
   <translation>平坦化、全結合32、全結合32。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Flatten, dense 32, dropout; the search varies it.</source>
   <translation>平坦化、全結合32、ドロップアウト。探索で変えます。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>For example https://example.org/fovea/latest.json</source>
   <translation>例: https://example.org/fovea/latest.json</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>For instance: C32k3s, P2, D128.</source>
   <translation>例: C32k3s, P2, D128。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Four convolutions with normalisation and dropout on small grey pictures.</source>
   <translation>小さなグレー画像に、正規化とドロップアウト付きの畳み込み四つ。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>Fovea ended</source>
   <translation>Foveaが終了しました</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>Fovea was closed</source>
   <translation>Foveaが閉じられました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>Fovea {version}</source>
   <translation>Fovea {version}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Fovea's small residual net</source>
   <translation>Foveaの小さな残差ネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Frame {frame} was asked for; the file has {have}.</source>
   <translation>フレーム{frame}が求められましたが、ファイルのフレーム数は{have}です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Frame {index} is not in the DICOM's pixel data.</source>
   <translation>フレーム{index}がDICOMのピクセルデータにありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>Free some space on the disk of Fovea's own data.</source>
   <translation>Fovea自身のデータのディスクに空きを作ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Free some space, or move Fovea's files with FOVEA_HOME.</source>
   <translation>空き容量を増やすか、 FOVEA_HOME でFoveaのファイルの場所を移してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>Free some space, then try again.</source>
   <translation>空きを作ってから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Free some space, then try again: what was said before is kept.</source>
   <translation>空きを作ってから、もう一度試してください: それまでの判断は残っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>Free some space, use fewer or smaller pictures, or move Fovea's files with FOVEA_HOME.</source>
   <translation>空きを作るか、画像を減らすか小さくするか、 FOVEA_HOME でFoveaのファイルの場所を移してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>From a score of</source>
   <translation>次のスコア以上</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_cifar.py" />
   <source>Get the data from its publisher again.</source>
   <translation>配布元からデータをもう一度入手してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>Get the weights from their publisher again.</source>
   <translation>公開元から重みをもう一度入手してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Give --data DATA.</source>
   <translation>--data DATA を指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Give --images up to {there}.</source>
   <translation>--images は{there}までにしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Give --repeats 1 or more.</source>
   <translation>--repeats は1以上にしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>Give a camera's number, a video file or an address.</source>
   <translation>カメラの番号、動画ファイル、アドレスのいずれかを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>Give a folder with one folder for each class, an archive of one, an .npz file, IDX files, CIFAR-10's python batches, or a folder of pictures with a table of their labels.</source>
   <translation>クラスごとに一つのフォルダーがあるフォルダー、そのアーカイブ、.npzファイル、IDXファイル、CIFAR-10のpythonバッチ、または画像とラベルの表があるフォルダーを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Give another --name, or the options that this one was begun with.</source>
   <translation>別の --name を付けるか、これを始めたときのオプションを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Give each setting once.</source>
   <translation>各設定は一度だけ指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Give settings to vary and one trial or more.</source>
   <translation>変える設定と、1回以上の試行を指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>Give the folder with --data.</source>
   <translation>フォルダーを --data で指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Give the values to try: --vary KEY=a|b|c.</source>
   <translation>試す値を指定してください: --vary KEY=a|b|c。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>Go on from the last checkpoint.</source>
   <translation>最後のチェックポイントから続けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>Hand the project on again.</source>
   <translation>プロジェクトをもう一度渡してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the area under the ROC curve is {local}; {card} says {value:.3f} ({low:.3f} to {high:.3f}) on {n:,}</source>
   <translation>ここではROC曲線下面積は{local}です。{card}では{n:,}枚で{value:.3f}({low:.3f}から{high:.3f})です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the area under the ROC curve is {local}; {card} says {value:.3f} without an interval.</source>
   <translation>ここではROC曲線下面積は{local}です。{card}では{value:.3f}で、区間はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local} and {listed}; {few} or more images are needed for an answer.</source>
   <translation>ここでは{what}は{local}で、{listed}。答えるには{few}枚以上の画像が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {card} names none to compare with.</source>
   <translation>ここでは{what}は{local}です。{card}には比較する値がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {listed}</source>
   <translation>ここでは{what}は{local}です。{listed}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>Here the {what} is {local}; {listed}: {numbers}, so this may be the data that the card was made on. Then it tells nothing about other pictures.</source>
   <translation>ここでは{what}は{local}です。{listed}: {numbers}なので、カードを作ったデータかもしれません。その場合、ほかの画像については何もわかりません。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>How accuracy grows with the number of pictures.</source>
   <translation>画像の数とともに正解率がどう伸びるか。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>How is a picture brought into its size: stretched, its middle cut out, or padded?</source>
   <translation>画像をどのように大きさに合わせますか: 引き伸ばす、中央を切り抜く、余白を付ける。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>How the figures were made</source>
   <translation>数値の求め方</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>How were pixels scaled when it was trained? Wrong scaling gives wrong answers.</source>
   <translation>学習時にピクセルはどのように拡縮されましたか。誤った拡縮は誤った回答になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>ITU Lab colour</source>
   <translation>ITU Labカラー</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>If colour goes with one class only, the network may learn that instead of the subject.</source>
   <translation>色が特定のクラスにだけ結び付いていると、ネットワークは対象ではなく色を学習するかもしれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>If several pictures show the same person or thing, some may lie on both sides of the split.</source>
   <translation>複数の画像が同じ人や物を写している場合、一部が分割の両側にあるかもしれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Image</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>ImageNet's pictures were handed out for non-commercial research and education, under the terms of image-net.org. None of them comes with Fovea. Whether those terms reach a network that has learned from them is not settled: who uses it commercially should look into it.</source>
   <translation>ImageNetの画像は、image-net.orgの条件のもと、非営利の研究および教育用に配布されました。Foveaには1枚も付属しません。その条件が、そこから学習したネットワークに及ぶかどうかは定まっていません: 商用に使う場合は確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images answered</source>
   <translation>回答した画像</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Images without an answer</source>
   <translation>回答のない画像</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Import or train it again.</source>
   <translation>インポートするか、もう一度学習させてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Imported from a file of the kind {format}.</source>
   <translation>{format}形式のファイルからインポート。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>In a checkout of Fovea: pip install '.[onnx]'. Or export as .tflite or .keras.</source>
   <translation>Foveaのチェックアウトで: pip install '.[onnx]'。または.tfliteか.kerasとしてエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>InceptionV3, fine-tuned</source>
   <translation>InceptionV3、ファインチューニング</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Install Fovea again to restore it.</source>
   <translation>Foveaを再インストールすると元に戻ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Install Fovea again.</source>
   <translation>Foveaを再インストールしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install Fovea with it: pip install '.[{extra}]' in its checkout</source>
   <translation>次のようにFoveaとともにインストールしてください: チェックアウトで pip install '.[{extra}]'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install it</source>
   <translation>インストールしてください</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>Install it (pip install {package}), or export the file uncompressed.</source>
   <translation>インストールする(pip install {package})か、ファイルを非圧縮でエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Install it first.</source>
   <translation>先にインストールしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Install it: pip install optuna.</source>
   <translation>インストールしてください: pip install optuna。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Install that version, or ask for an export of the project.</source>
   <translation>そのバージョンをインストールするか、プロジェクトのエクスポートを依頼してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install the expected one: pip install {wanted}.</source>
   <translation>必要なものをインストールしてください: pip install {wanted}。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>Install the package again: pip install --force-reinstall --no-deps {wanted}.</source>
   <translation>パッケージをもう一度インストールしてください: pip install --force-reinstall --no-deps {wanted}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Install the package that reads it (pip install pyarrow, or ".[parquet]" in a checkout), or write the pictures into a folder for each class with the package that made the file, for instance: {program}</source>
   <translation>それを読むパッケージをインストールする(pip install pyarrow、チェックアウトでは".[parquet]")か、ファイルを作ったパッケージで画像をクラスごとのフォルダーに書き出してください。例: {program}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Install them under Models, or with 'fovea models install {id}', or choose another model.</source>
   <translation>「モデル」で、または'fovea models install {id}'でインストールするか、別のモデルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>Install them under Models, or with 'fovea models install {id}'.</source>
   <translation>「モデル」で、または'fovea models install {id}'でインストールしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Intended use</source>
   <translation>使用目的</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Intervals are 95 % intervals: Wilson's score interval for shares (F1 by way of the Jaccard index); DeLong's for areas under ROC curves (fast form of Sun and Xu, 2014; Newcombe's where all is right); variance recovery (Zou and Donner, 2008) for means over classes; bootstrap for the others. They take images as independent of each other: where several show the same person or thing, they are too narrow.</source>
   <translation>区間は95 %区間です: 割合はWilsonのスコア区間(F1はJaccard係数による)、ROC曲線下面積はDeLong(SunとXu、2014年の高速形。全正解の場合はNewcombe)、クラス平均は分散復元(ZouとDonner、2008年)、ほかはブートストラップ。画像は互いに独立とみなしています: 同じ人や物の画像が複数ある場合、区間は狭すぎます。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Is the address right?</source>
   <translation>アドレスは正しいですか。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Is there a network?</source>
   <translation>ネットワークにつながっていますか。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Is this column the one with the labels?</source>
   <translation>ラベルの列はこれですか。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Is this computer connected?</source>
   <translation>このコンピューターは接続されていますか。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It answers with one of its 1,000 classes whatever the picture shows: there is no class for 'something else'.</source>
   <translation>画像に何が写っていても1,000クラスのどれかで回答します:「その他」のクラスはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>It can be deleted.</source>
   <translation>削除できます。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>It can no longer be undone.</source>
   <translation>もう元に戻せません。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It has no answer sets and no check of the kind of picture: both would have to be fitted on ImageNet's pictures, which may not be handed on.</source>
   <translation>候補の回答の組も、画像の種類の確認もありません: どちらもImageNetの画像に合わせる必要がありますが、その画像は渡せません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>It has no splits; leave the split out.</source>
   <translation>分割はありません。分割の指定を省いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>It is damaged, or made to fill the memory.</source>
   <translation>破損しているか、メモリを埋めるように作られています。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>It is made to fill the disk.</source>
   <translation>ディスクを埋めるように作られています。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>It is not the file that was published.</source>
   <translation>公開されたファイルではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>It is there to build a classifier of your own upon.</source>
   <translation>自分の分類器を作る土台にするためのものです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>It names more files than Fovea takes; the rest was left out.</source>
   <translation>挙げられたファイルがFoveaの扱える数を超えるため、残りは除きました。</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>It names {count:,} files outside its own folder; nothing outside was opened.</source>
   <extracomment>Where the count is one, English says: It names {count:,} file outside its own folder; nothing outside was opened.</extracomment>
   <translation>
    <numerusform>自分のフォルダーの外のファイルを{count:,}個挙げています。外のものは何も開きませんでした。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>It takes pictures of any size: which size was it trained with?</source>
   <translation>任意の大きさの画像を受け取ります: どの大きさで学習しましたか。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>It was left out; everything else goes on.</source>
   <translation>それを除き、ほかは続けます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>It was not unpacked.</source>
   <translation>展開しませんでした。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Its classes: {classes}.</source>
   <translation>そのクラス: {classes}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Its data are most likely damaged. {save_again}</source>
   <translation>データが破損している可能性が高いです。{save_again}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Its labels: {labels}.</source>
   <translation>そのラベル: {labels}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>Its last checkpoint stays with the run.</source>
   <translation>最後のチェックポイントは実行とともに残ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Its layers: {known}.</source>
   <translation>その層: {known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Its outputs are probabilities: say so, or leave it to the file.</source>
   <translation>出力は確率です: そう指定するか、ファイルに任せてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_rows.py" />
   <source>Its pictures are looked at again.</source>
   <translation>その画像をもう一度見ます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>Its pictures have to lie in its folder or below, and another column has to name their classes.</source>
   <translation>画像は表のフォルダーかその下にあり、別の列がクラスを示す必要があります。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>Its publisher has to mend that.</source>
   <translation>公開元が直す必要があります。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Its scores are model scores: nobody has checked here how often a score of 0.9 is right.</source>
   <translation>スコアはモデルスコアです: スコア0.9がどれだけ正しいかは、ここでは誰も確かめていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Its training began from the model {parent}.</source>
   <translation>学習はモデル{parent}から始めました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>Its weights are kept in 16 bits, which changes scores by up to a few thousandths.</source>
   <translation>重みは16ビットで保存され、スコアが最大千分の数程度変わります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>Its weights do not come with Fovea</source>
   <translation>重みはFoveaに付属しません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>JPEG of the old style</source>
   <translation>古い形式のJPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>JPEG of {precision} bits</source>
   <translation>{precision}ビットのJPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF decoded; HEIF by libheif {libheif_version}</source>
   <translation>JPEG、PNG、WebP、GIF、BMP、TIFF、AVIFを復号。HEIFはlibheif {libheif_version}による</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or DICOM</source>
   <translation>JPEG、PNG、WebP、GIF、BMP、TIFF、HEIC、AVIF、DICOMのいずれか</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>JSON instead of text</source>
   <translation>テキストの代わりにJSON</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>JSON lines instead of text; the last one is the result</source>
   <translation>テキストの代わりにJSONの行。最後の行が結果</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Judge some in Evaluate's gallery, then take them over.</source>
   <translation>「評価」のギャラリーでいくつか判断してから取り込んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Keras cannot build it: {words}</source>
   <translation>Kerasで組み立てられません: {words}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>Keras {version} on {backend}</source>
   <translation>Keras {version}({backend})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Known are C32k3s, C32k3v/2, P2, A2, D128, flatten, gap, gmp, BN, drop.25, act:relu; see the documentation.</source>
   <translation>使えるもの: C32k3s, C32k3v/2, P2, A2, D128, flatten, gap, gmp, BN, drop.25, act:relu。文書を参照してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Known failures</source>
   <translation>知られている失敗</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>Known ones: {known}.</source>
   <translation>使えるもの: {known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>Known: {activations}.</source>
   <translation>使えるもの: {activations}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>Known: {initialisers}.</source>
   <translation>使えるもの: {initialisers}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Lab colour of {bits} bits</source>
   <translation>{bits}ビットのLabカラー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>Label pictures, and let a head learn from the labels at once.</source>
   <translation>画像にラベルを付け、そのラベルからすぐにヘッドを学習させます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>Label some first.</source>
   <translation>先にいくつかラベルを付けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Label some more, then make the model again and compare.</source>
   <translation>もう少しラベルを付け、モデルを作り直してから比較してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>Label some more.</source>
   <translation>もう少しラベルを付けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Label some, then export.</source>
   <translation>いくつかラベルを付けてからエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Labels and preprocessing are what its user said on importing it; where they are wrong, its answers are.</source>
   <translation>ラベルと前処理は、インポートしたユーザーの指定によります。それが誤っていれば、回答も誤ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Languages: {known}.</source>
   <translation>言語: {known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/selftest.py" />
   <source>Layers that mix the pictures of a batch cannot be used; save the network without them.</source>
   <translation>バッチの画像を混ぜる層は使えません。その層なしでネットワークを保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>Layers there: {names}.</source>
   <translation>そこにある層: {names}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/transfer_plans.py" />
   <source>Layers there: {value}.</source>
   <translation>そこにある層: {value}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Learnt from</source>
   <translation>学習に使ったもの</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Leave --size and --colour out.</source>
   <translation>--size と --colour を省いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Leave --test out: validation is measured then.</source>
   <translation>--test を省いてください: その場合は検証で測定します。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>Leave the threshold out.</source>
   <translation>しきい値の指定を省いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Let the evaluation come to its end.</source>
   <translation>評価を最後まで終わらせてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Letters of a captcha</source>
   <translation>キャプチャの文字</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Limits</source>
   <translation>限界</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>List the components of this program with their licences.</source>
   <translation>このプログラムのコンポーネントとライセンスを列挙します。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>List what there is.</source>
   <translation>何があるか一覧を表示してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Look among the deleted ones.</source>
   <translation>削除したものの中を探してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>Look at the files, or the model.</source>
   <translation>ファイルまたはモデルを確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>Look at the folder and the disk it lies on, then try again.</source>
   <translation>フォルダーとそのディスクを確認してから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>Look at the folder of Fovea's own data, then try again.</source>
   <translation>Fovea自身のデータのフォルダーを確認してから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Look at the rights of Fovea's own data folder.</source>
   <translation>Fovea自身のデータフォルダーの権限を確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>Look for the file whose hash the catalogue names.</source>
   <translation>カタログにあるハッシュのファイルを探してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Look for the right file.</source>
   <translation>正しいファイルを探してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Look through labelled pictures.</source>
   <translation>ラベル付き画像を調べます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>Look whether that is right, then confirm it: {ways}. Or sort the pictures into a folder for each class.</source>
   <translation>正しいか確かめてから確定してください: {ways}。または、画像をクラスごとのフォルダーに分けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Look whether the drive is still connected, then try again.</source>
   <translation>ドライブがまだつながっているか確認して、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>Lower the learning rate; {kept}.</source>
   <translation>学習率を下げてください。{kept}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>MNIST</source>
   <translation>MNIST</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>MONOCHROME1, inverted</source>
   <translation>MONOCHROME1、反転</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Make it first.</source>
   <translation>先に作ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>Make room and resume.</source>
   <translation>空きを作ってから再開してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>Make room on the disk, or allow Fovea to write to its folder.</source>
   <translation>ディスクに空きを作るか、Foveaにそのフォルダーへの書き込みを許可してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>Make room, or choose a later layer or one with a global pooling after it: it has fewer features.</source>
   <translation>空きを作るか、もっと後の層、または後にグローバルプーリングのある層を選んでください: 特徴量が少なくなります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Make the plan again to begin from the version that there is.</source>
   <translation>今あるバージョンから始めるように計画を作り直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>Make the plan again.</source>
   <translation>計画を作り直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Map at least one class to a label.</source>
   <translation>少なくとも1クラスをラベルに対応させてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Mean score</source>
   <translation>平均スコア</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>Measure a model on labelled pictures.</source>
   <translation>ラベル付き画像でモデルを測定します。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Method</source>
   <translation>方法</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Model</source>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Model file, SHA-256</source>
   <translation>モデルファイル、SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Models in the store: {known}.</source>
   <translation>保管されているモデル: {known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Most frequent confusions</source>
   <translation>最も多い取り違え</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Most frequent confusions:</source>
   <translation>最も多い取り違え:</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>Move '{name}' away from Fovea's data.</source>
   <translation>'{name}'をFoveaのデータの外へ移してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Must not be used for</source>
   <translation>使ってはならない用途</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Name one label for each class.</source>
   <translation>各クラスにラベルを一つ指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Name one of its layers instead.</source>
   <translation>代わりにその層のどれかを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Names</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>Names of files are written as they are, with the folders inside the data and none above them.</source>
   <translation>ファイル名は、データ内のフォルダー名とともにそのまま書かれ、それより上のフォルダーは書かれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Negative predictive value</source>
   <translation>陰性的中率</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Negative predictive value (%)</source>
   <translation>陰性的中率(%)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Network: {credit} Weights as published {where}; licence: {licence}.</source>
   <translation>ネットワーク: {credit} 重みの公開元: {where}。ライセンス: {licence}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>No mistake was made on the pictures it was checked with; that is no promise for others.</source>
   <translation>検証に使った画像では誤りがありませんでした。ほかの画像についての保証ではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Nobody but you has checked this model: its figures come from {n} pictures of the {split} split of '{title}' and say nothing about other pictures.</source>
   <translation>このモデルを確かめたのはあなただけです: 数値は'{title}'の分割{split}の画像{n}枚によるもので、ほかの画像については何も示しません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Nobody has measured it in Fovea: see 'Evaluate' with labelled pictures of your own.</source>
   <translation>Foveaでまだ測定されていません: 自分のラベル付き画像で「評価」を見てください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Not opened.</source>
   <translation>開きませんでした。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Not stated: whoever imported it knows what it is for.</source>
   <translation>記載なし: インポートした人が用途を知っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Nothing was installed. </source>
   <translation>何もインストールされませんでした。 </translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Nothing was taken over.</source>
   <translation>何も取り込まれませんでした。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>Nothing was written.</source>
   <translation>何も書き込まれませんでした。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Notice</source>
   <translation>注意</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Numbers</source>
   <translation>件数</translation>
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
    <numerusform>そのうち: {reason}。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>One JSON object: painted and answered, in seconds on the computer's steady clock, which a caller that notes the moment of the start can subtract from.</source>
   <translation>一つのJSONオブジェクト: paintedとanswered、コンピューターの単調な時計による秒数。開始時刻を記録した呼び出し側がそれを差し引けます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>One convolution, dense 1024, dropout; three epochs.</source>
   <translation>畳み込み一つ、全結合1024、ドロップアウト。3エポック。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>One convolution, pooling, dense 512.</source>
   <translation>畳み込み一つ、プーリング、全結合512。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>One label a line, or a JSON list of texts.</source>
   <translation>1行に一つのラベル、またはテキストのJSONリスト。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>One of the labels is wrong: correct the folders, or leave these pictures out.</source>
   <translation>ラベルの一つが誤りです: フォルダーを直すか、これらの画像を除いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>One row of the TIFF's tiles takes {row} MiB; expected at most {max_tile_row} MiB.</source>
   <translation>TIFFのタイルの1行が{row} MiBになります。最大{max_tile_row} MiBのはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Open an image of the same examination.</source>
   <translation>同じ検査の画像を開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>Open it again where it is now.</source>
   <translation>今ある場所から開き直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>Open it in another program and save it again as PNG or JPEG.</source>
   <translation>別のプログラムで開き、PNGまたはJPEGとして保存し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Open it in another program and save it again, or copy it again from where it came.</source>
   <translation>別のプログラムで開いて保存し直すか、元の場所からもう一度コピーしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Open it in another program and save it again.</source>
   <translation>別のプログラムで開いて保存し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Open one of its files.</source>
   <translation>その中のファイルを開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>Open the folder that it lies in instead.</source>
   <translation>代わりに、それがあるフォルダーを開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>Open the folder that it lies in.</source>
   <translation>それがあるフォルダーを開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>Open the window offscreen with a picture; print when it was painted and when it was answered.</source>
   <translation>画像とともにウィンドウをオフスクリーンで開き、描かれた時刻と回答した時刻を出力します。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>Opening the picture took more than {work_s:.0f} seconds of work and was given up.</source>
   <translation>画像を開く処理が{work_s:.0f}秒を超えたため、中止しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Or fetch the file on another computer and install it from there: choose 'From a file', or --from FILE.</source>
   <translation>または、別のコンピューターでファイルを取得し、そこからインストールしてください:「ファイルから」、または --from FILE を使います。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>Or is it '{name}'? Then give that file.</source>
   <translation>または'{name}'ですか。その場合はそのファイルを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Or set augment.STEP.SETTING.</source>
   <translation>または augment.STEP.SETTING を設定してください。</translation>
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
   <translation>PROJECTはプロジェクトのIDまたは名前、または画像のフォルダーです: そのプロジェクトは最初に指定したときに作られます。
画像は元の場所のままで、決して変更されません。どのラベルも、コマンドが先に進む前にディスクに保存されます。

例:
  fovea teach create "My pets" photos
  fovea teach label my-pets labels.csv --folder photos
  fovea teach suggest my-pets --csv suggestions.csv
  fovea teach accept my-pets --at-least 0.98
  fovea teach make my-pets --name Pets
  fovea teach export my-pets sorted --link

終了ステータス: 0 すべて正常。1 何かが失敗した(説明を表示)。2 使い方の誤り。130 Ctrl-Cで停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Parts: {parts}.</source>
   <translation>項目: {parts}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>People or cases</source>
   <translation>人または件</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Per class</source>
   <translation>クラス別</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Percent, with 95 % intervals. FPR = 100 − specificity, FNR = 100 − recall.</source>
   <translation>パーセント、95 %区間付き。FPR = 100 − 特異度、FNR = 100 − 再現率。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures are brought to {width}×{height} colour pixels: what is lost there cannot count.</source>
   <translation>画像は{width}×{height}のカラーピクセルにされます: そこで失われたものは考慮されません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures are brought to {width}×{height} grey pixels: what is lost there cannot count.</source>
   <translation>画像は{width}×{height}のグレーピクセルにされます: そこで失われたものは考慮されません。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>Pictures are prepared for training once and kept; they can be made again at any time.</source>
   <translation>画像は学習用に一度だけ前処理して保存されます。いつでも作り直せます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Pictures like those of '{title}', for learning and trying out.</source>
   <translation>'{title}'のような画像。学習と試用のため。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Pixels go in {scaling}.</source>
   <translation>ピクセルの与え方: {scaling}。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>Please report this.</source>
   <translation>このことを報告してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Positive predictive value</source>
   <translation>陽性的中率</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Positive predictive value (%)</source>
   <translation>陽性的中率(%)</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Precision-recall curve</source>
   <translation>適合率-再現率曲線</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Prepare the pictures as the model takes them.</source>
   <translation>モデルが受け取る形に画像を前処理してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>Print a page of the help, or look for words in it.</source>
   <translation>ヘルプのページを表示するか、その中の語を探します。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Projects: {listed}.</source>
   <translation>プロジェクト: {listed}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Put pictures that open into each of their folders.</source>
   <translation>それぞれのフォルダーに、開ける画像を入れてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>Put them back as they were, or begin a new run.</source>
   <translation>元の状態に戻すか、新しい実行を始めてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Put them into its address (HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT).</source>
   <translation>アドレスに含めてください(HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT)。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>ROC curve</source>
   <translation>ROC曲線</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>Reliability</source>
   <translation>信頼度</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Rename that one first.</source>
   <translation>先にその名前を変えてください。</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>Rename their folders, for instance to 'class 1', or by what the pictures show, then try again.</source>
   <extracomment>Where the count is one, English says: Rename its folder, for instance to 'class 1', or by what the pictures show, then try again.</extracomment>
   <translation>
    <numerusform>フォルダーの名前を変えて(例: 'class 1'、または画像が示すもの)、もう一度試してください。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正解</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Right among them</source>
   <translation>うち正解</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Rows: truth. Columns: answer. Tint: share of the row.</source>
   <translation>行: 正解。列: 回答。濃淡: 行に占める割合。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>Run it again.</source>
   <translation>もう一度実行してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again as an uncompressed TIFF or as PNG.</source>
   <translation>非圧縮TIFFまたはPNGとして保存し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again in strips or smaller tiles.</source>
   <translation>ストリップまたは小さいタイルで保存し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>Save it again in strips or tiles, or uncompressed.</source>
   <translation>ストリップまたはタイルで、または非圧縮で保存し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save it again with a recent Keras as .keras.</source>
   <translation>最近のKerasで.kerasとして保存し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>Save it again.</source>
   <translation>もう一度保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>Save it as PNG or as a plain TIFF first.</source>
   <translation>先にPNGまたは単純なTIFFとして保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>Save it as PNG or as an ordinary JPEG first.</source>
   <translation>先にPNGまたは通常のJPEGとして保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>Save it as UTF-8.</source>
   <translation>UTF-8で保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>Save it as an ordinary (baseline) JPEG, or scale it down.</source>
   <translation>通常の(ベースライン)JPEGとして保存するか、縮小してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>Save it smaller in another program first.</source>
   <translation>先に別のプログラムで小さくして保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Save or export it as PNG or JPEG first.</source>
   <translation>先にPNGまたはJPEGとして保存またはエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>Save or export the network again.</source>
   <translation>ネットワークをもう一度保存またはエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save the part that goes from one picture to the scores of the classes.</source>
   <translation>1枚の画像からクラスのスコアまでの部分を保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Save the whole network: model.save('net.keras').</source>
   <translation>ネットワーク全体を保存してください: model.save('net.keras')。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>Say that they are raw values (logits), if they are.</source>
   <translation>生の値(ロジット)であれば、そう指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Say which label each class means, for instance: {lines} (an empty label leaves a class out).</source>
   <translation>各クラスがどのラベルか指定してください。例: {lines}(ラベルを空にするとクラスを除きます)。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>Say which one by its id.</source>
   <translation>どれかをIDで指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>Say which one is meant.</source>
   <translation>どれかを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>Scale it down in another program first.</source>
   <translation>先に別のプログラムで縮小してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>Searches: {value}.</source>
   <translation>探索: {value}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>Set FOVEA_DATA to the folder that holds it.</source>
   <translation>それがあるフォルダーを FOVEA_DATA に設定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>Set it for all trials with --set; of the data, data.limit can be varied.</source>
   <translation>すべての試行に --set で設定してください。データについてはdata.limitを変えられます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>Set one of them: {inner}.</source>
   <translation>そのどれかを設定してください: {inner}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>Settings there: {allowed}.</source>
   <translation>そこにある設定: {allowed}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>Settings there: {names}.</source>
   <translation>そこにある設定: {names}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Several images belong to one person or case ({persons:,} in all, told by file names or DICOM numbers). The intervals are 95 % intervals and rest on persons, not images ('by person'): Wilson's score interval on the effective number of images (Rao and Scott, 1992) for shares, F1 by way of the Jaccard index; Obuchowski's (1997) for areas under ROC curves; the variance over persons for the Brier score; a bootstrap of whole persons (Field and Welsh, 2007) for the others.</source>
   <translation>複数の画像が同じ人または件のものです(全部で{persons:,}、ファイル名またはDICOM番号による)。区間は95 %区間で、画像ではなく人に基づきます(「人単位」): 割合は有効画像数によるWilsonのスコア区間(RaoとScott、1992年)、F1はJaccard係数による。ROC曲線下面積はObuchowski(1997年)、ブライアスコアは人の間の分散、ほかは人単位のブートストラップ(FieldとWelsh、2007年)。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Share of positives</source>
   <translation>陽性の割合</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>Some characters are drawn as boxes: no font of this computer has them. Install one, for instance 'Noto Sans CJK' (fonts-noto-cjk), or write the report as HTML, which any browser shows.</source>
   <translation>一部の文字が四角で描かれています: このコンピューターにその文字のフォントがありません。'Noto Sans CJK'(fonts-noto-cjk)などをインストールするか、どのブラウザーでも表示できるHTMLでレポートを書き出してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation>分割</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>Splits there: {listing}.</source>
   <translation>そこにある分割: {listing}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/answers.py" />
   <source>Start Fovea again.</source>
   <translation>Foveaを起動し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>Start Fovea again; if that does not help, run 'fovea selftest'.</source>
   <translation>Foveaを起動し直してください。それでも直らなければ'fovea selftest'を実行してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searching.py" />
   <source>Start it again: it goes on.</source>
   <translation>もう一度開始してください: 続きから進みます。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>Stop it first.</source>
   <translation>先に停止してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>Store the pictures as files in class folders.</source>
   <translation>画像をクラス別フォルダーのファイルとして保存してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>Such parts can run code of their own. Rebuild the network from usual Keras layers, or export it as .tflite.</source>
   <translation>このような部品は独自のコードを実行できます。通常のKerasの層でネットワークを作り直すか、.tfliteとしてエクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Take it back from a copy of Fovea's folder, or delete it.</source>
   <translation>Foveaのフォルダーのコピーから戻すか、削除してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>Take it up again.</source>
   <translation>再開してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/embeddings.py" />
   <source>Take its embedding, or install the model again.</source>
   <translation>その埋め込みを使うか、モデルをもう一度インストールしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>Teachable Machine also exports 'Tensorflow Lite' ('Floating point'): its .tflite can be imported as it is.</source>
   <translation>Teachable Machineは'Tensorflow Lite'('Floating point')でもエクスポートできます: その.tfliteはそのままインポートできます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Tells apart {names}.</source>
   <translation>{names}を見分けます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The 16-layer net of Simonyan and Zisserman (2014), from random weights; very large and slow.</source>
   <translation>SimonyanとZisserman(2014年)の16層ネットワークを乱数の重みから。非常に大きく遅い。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM has {samples} samples a pixel, as of inks or with transparency; expected grey or RGB.</source>
   <translation>DICOMは1ピクセルあたり{samples}サンプルで、インクまたは透明度があるようです。グレーまたはRGBが必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM holds {have:,} bytes of pixel data; its header ({columns}×{rows} pixels, {frames} frame{value}) asks for {need:,}.</source>
   <translation>DICOMのピクセルデータは{have:,}バイトですが、ヘッダー({columns}×{rows}ピクセル、{frames} frame{value})では{need:,}バイト必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM holds {what} without pixel data; expected a picture.</source>
   <translation>DICOMの内容はピクセルデータのない{what}です。画像が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM needs more memory than is free.</source>
   <translation>DICOMに必要なメモリが空きメモリを超えています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's colour model is not one that Fovea knows; expected grey, palette, RGB or YBR.</source>
   <translation>DICOMの色モデルはFoveaが知らないものです。グレー、パレット、RGB、YBRのいずれかが必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's compressed pixel data ({name}) cannot be decoded.</source>
   <translation>DICOMの圧縮ピクセルデータ({name})を復号できません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header asks for {samples} samples of {stored} bits in {allocated}; expected 1 or 3 samples of 1 to 64 bits.</source>
   <translation>DICOMのヘッダーは{allocated}ビット中{stored}ビットの{samples}サンプルを求めています。1から64ビットの1または3サンプルが必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header describes a picture, but the file ends before its pixel data.</source>
   <translation>DICOMのヘッダーは画像を示していますが、ファイルはピクセルデータの前で終わっています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header has no valid {keyword}.</source>
   <translation>DICOMのヘッダーに有効な{keyword}がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header is nested too deeply to be honest.</source>
   <translation>DICOMのヘッダーの入れ子が異常に深くなっています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The DICOM's header or pixel data are damaged.</source>
   <translation>DICOMのヘッダーまたはピクセルデータが破損しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's header promises a compressed frame of {columns}×{rows} pixels, {samples} samples; the frame {what}.</source>
   <translation>DICOMのヘッダーでは圧縮フレームは{columns}×{rows}ピクセル、{samples}サンプルですが、フレームは{what}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's pixel data are in {name}, for which Fovea has no decoder.</source>
   <translation>DICOMのピクセルデータは{name}で、Foveaにはその復号器がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>The DICOM's pixel data are in {name}; decoding that needs the package {package}.</source>
   <translation>DICOMのピクセルデータは{name}です。復号にはパッケージ{package}が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>The DICOMDIR names no files.</source>
   <translation>DICOMDIRにファイルが挙げられていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG declares {width}×{height} pixels, {pixels:,.0f} million, in {size:,} bytes; expected at most {max_pixels} million in so small a file.</source>
   <translation>JPEGは{size:,}バイトで{width}×{height}ピクセル({pixels:,.0f}百万)と宣言しています。これほど小さいファイルでは最大{max_pixels}百万ピクセルのはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG has {pixels:,.0f} million pixels and is progressive: decoding it takes {samples:.1f} GiB of memory; expected at most {max_coefficients:.1f}.</source>
   <translation>JPEGは{pixels:,.0f}百万ピクセルのプログレッシブ形式で、復号に{samples:.1f} GiBのメモリが必要です。最大{max_coefficients:.1f}のはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>The JPEG's header is damaged.</source>
   <translation>JPEGのヘッダーが破損しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The LeNet on 5,900 pictures or fewer, four epochs.</source>
   <translation>画像5,900枚以下でLeNet、4エポック。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG ends before its end mark.</source>
   <translation>PNGが終わりの印の前で終わっています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG ends in the middle of its pixel data.</source>
   <translation>PNGがピクセルデータの途中で終わっています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/containers.py" />
   <source>The PNG is split into more than a million chunks.</source>
   <translation>PNGが100万個を超えるチャンクに分かれています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>The PNG's animation has fewer frames than it says.</source>
   <translation>PNGアニメーションのフレームが表示された数より少ないです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/animation.py" />
   <source>The PNG's animation is damaged.</source>
   <translation>PNGアニメーションが破損しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF ends before its picture does.</source>
   <translation>TIFFが画像の終わりの前で終わっています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF says where {count} pieces of its picture lie; expected {first}.</source>
   <translation>TIFFは画像の{count}個の部分の位置を示していますが、{first}個のはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>The TIFF uses colours that its palette lacks.</source>
   <translation>TIFFが、パレットにない色を使っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>The TIFF {what}.</source>
   <translation>TIFFの異常: {what}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF's picture is compressed in pieces of {row} MiB; expected at most {max_segment} MiB.</source>
   <translation>TIFFの画像が{row} MiBの単位で圧縮されています。最大{max_segment} MiBのはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>The TIFF's picture is incomplete.</source>
   <translation>TIFFの画像が不完全です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/segments.py" />
   <source>The TIFF's pieces are {kind} of {shape} channels in {itemsize} bits, its header declares {samples} of {bits}.</source>
   <translation>TIFFの各部は{itemsize}ビットの{shape}チャンネルの{kind}ですが、ヘッダーの宣言は{bits}ビットの{samples}です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>The deflated DICOM grows beyond {max_file_bytes} MiB when inflated.</source>
   <translation>圧縮されたDICOMが、展開すると{max_file_bytes} MiBを超えます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>The evaluation that was kept of these pictures is damaged. They are looked at again.</source>
   <translation>これらの画像について保存された評価は破損しています。画像をもう一度見ます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The figures are cross-validated: each of the {n} pictures was checked by a last layer that had not learned from it; the model itself has learned from all of them, and the same pictures chose the penalty and the temperature.</source>
   <translation>数値は交差検証によります: 画像{n}枚のそれぞれを、その画像から学習していない最後の層で検証しました。モデル自体はすべてから学習し、正則化の強さと温度も同じ画像で選びました。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>The file begins like {kind}, but its header is damaged or of a variant that Fovea does not know.</source>
   <translation>ファイルの始まりは{kind}のようですが、ヘッダーが破損しているか、Foveaが知らない変種です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>The file cannot be read: {reason}.</source>
   <translation>ファイルを読めません: {reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file could not be read ({get}).</source>
   <translation>ファイルを読めませんでした({get})。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file ends before its picture does.</source>
   <translation>画像の終わりの前でファイルが終わっています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The file has {size} MiB; expected at most {max_file_bytes} MiB.</source>
   <translation>ファイルは{size} MiBです。最大{max_file_bytes} MiBのはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The file holds {what}; expected {expected}.</source>
   <translation>ファイルの内容は{what}です。必要なもの: {expected}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The file is empty; expected a picture.</source>
   <translation>ファイルが空です。画像が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>The file is left as it is. Look at the rights and the disk of Fovea's own data.</source>
   <translation>ファイルはそのままです。Fovea自身のデータの権限とディスクを確認してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>The file may have moved.</source>
   <translation>ファイルが移動したのかもしれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The file or folder cannot be read: {reason}.</source>
   <translation>ファイルまたはフォルダーを読めません: {reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The file or folder may not be read by this user.</source>
   <translation>このユーザーにはファイルまたはフォルダーを読む権限がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The folder cannot be read: {reason}.</source>
   <translation>フォルダーを読めません: {reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>The folder may not be read by this user.</source>
   <translation>このユーザーにはフォルダーを読む権限がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>The full edition of Fovea has it.</source>
   <translation>Foveaの完全版にあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The library that opens this format {how} ({detail}).</source>
   <translation>この形式を開くライブラリが異常終了しました: {how}({detail})。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>The model takes {local} for another kind of picture than its own; of its own, {percent} were to be expected (on {n:,} of split '{split}')</source>
   <translation>モデルは{local}を自分のものと異なる種類の画像とみなします。自身の画像では{percent}が見込まれます(分割'{split}'の{n:,}枚で)</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>The model's card says nothing of its use.</source>
   <translation>モデルカードに用途の記載がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>The model's gate says nothing of these pictures: {reason}.</source>
   <translation>モデルのゲートはこれらの画像について何も示しません: {reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>The name of the data's folder is hidden; names of files are written as they are.</source>
   <translation>データのフォルダー名は隠され、ファイル名はそのまま書かれます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>The names of all {total:,} files and of their folders{title} are replaced by numbers.</source>
   <translation>{total:,}個すべてのファイルとそのフォルダーの名前{title}は番号に置き換えられます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>The names of its {expected} classes, in the order of its outputs{told}.</source>
   <translation>{expected}クラスの名前、出力の順{told}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The net of 2012 (Krizhevsky, Sutskever, Hinton), from random weights; large and slow.</source>
   <translation>2012年のネットワーク(Krizhevsky、Sutskever、Hinton)を乱数の重みから。大きく遅い。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The net of LeCun et al. 1998: tanh, average pooling.</source>
   <translation>LeCunら1998年のネットワーク: tanh、平均プーリング。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The picture declares a size of {width}×{height} pixels; expected at least 1×1.</source>
   <translation>画像の大きさが{width}×{height}ピクセルと宣言されています。1×1以上が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture has {what} pixels; expected at most {max_pixels} million.</source>
   <translation>画像は{what}ピクセルです。最大{max_pixels}百万ピクセルのはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>The picture has {width}×{height} pixels, {width2:,.0f} million; expected at most {most} million.</source>
   <translation>画像は{width}×{height}ピクセル、{width2:,.0f}百万ピクセルです。最大{most}百万ピクセルのはずです。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>The picture is scaled until its shorter side has {resize_shorter} pixels and the middle {input}×{input} is used: what lies outside is not seen.</source>
   <translation>画像の短い辺が{resize_shorter}ピクセルになるよう拡縮し、中央の{input}×{input}を使います: その外側は見ません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture needs more memory than is free.</source>
   <translation>画像に必要なメモリが空きメモリを超えています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The picture needs more than the {memory:,} MiB of memory that Fovea gives to one picture.</source>
   <translation>Foveaが1枚の画像に与える{memory:,} MiBのメモリでは足りません。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>The picture was read correctly; try another model.</source>
   <translation>画像は正しく読めました。別のモデルを試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The picture's data are damaged and cannot be read.</source>
   <translation>画像のデータが破損していて読めません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>The picture's data are most likely damaged. {save_again}</source>
   <translation>画像のデータが破損している可能性が高いです。{save_again}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>The run's log says where. The last checkpoint is kept.</source>
   <translation>場所は実行のログにあります。最後のチェックポイントは残っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the epoch and the temperature: on new pictures expect a little less.</source>
   <translation>同じ検証画像でエポックと温度を選びました: 新しい画像では少し低くなると考えてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the epoch, the temperature and the threshold: on new pictures expect a little less.</source>
   <translation>同じ検証画像でエポック、温度、しきい値を選びました: 新しい画像では少し低くなると考えてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the temperature and the threshold: on new pictures expect a little less.</source>
   <translation>同じ検証画像で温度としきい値を選びました: 新しい画像では少し低くなると考えてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>The same validation pictures chose the temperature: on new pictures expect a little less.</source>
   <translation>同じ検証画像で温度を選びました: 新しい画像では少し低くなると考えてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>The same with rotation, shift, zoom and mirroring.</source>
   <translation>同じものに回転、移動、拡大縮小、左右反転を加えて。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>The smaller number first; above 0 with log.</source>
   <translation>小さいほうの数を先に。logでは0より大きい数。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>The system does not allow Fovea to read this file.</source>
   <translation>システムがFoveaにこのファイルを読むことを許していません。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>The trainings on this computer.</source>
   <translation>このコンピューターの学習。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>The {shown:,} worst of {wrong:,}, by the score that the truth got.</source>
   <translation>誤り{wrong:,}枚のうちひどいほうから{shown:,}枚、正解が得たスコアの順。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>The {what} is not compared: here it was measured {ways}, on the model's card by the model's own decision, {ways2}.</source>
   <translation>{what}は比較されません: ここでは{ways}測定され、モデルカードではモデル自身の判定で{ways2}測定されています。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>There are none.</source>
   <translation>ありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>There are: {known}.</source>
   <translation>次のものがあります: {known}。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>There are: {names}.</source>
   <translation>次のものがあります: {names}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>There is no area under the ROC curve here: {reason}.</source>
   <translation>ここではROC曲線下面積はありません: {reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>There is no file of this name any more.</source>
   <translation>この名前のファイルはもうありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>There is no such file or folder.</source>
   <translation>そのようなファイルまたはフォルダーはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>There is no such folder.</source>
   <translation>そのようなフォルダーはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>There is no {what} here: {reason}.</source>
   <translation>ここでは{what}はありません: {reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>These are not the published weights: whoever installed them vouched for their file. What it answers has not been checked.</source>
   <translation>これは公開された重みではありません: インストールした人がファイルを保証しました。その回答は確認されていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>They are kept on one side of the split in any case.</source>
   <translation>いずれにしても分割の片側にまとめられます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: a first demonstration</source>
   <translation>もの: 最初の実演</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: four convolutions</source>
   <translation>もの: 畳み込み四つ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: four convolutions, augmented</source>
   <translation>もの: 畳み込み四つ、データ拡張</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: normalised and with dropout</source>
   <translation>もの: 正規化とドロップアウト付き</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: one convolution</source>
   <translation>もの: 畳み込み一つ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Things: three small convolutions</source>
   <translation>もの: 小さな畳み込み三つ</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>This TIFF holds {what}; it is not damaged.</source>
   <translation>このTIFFの内容は{what}です。破損はしていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>This is a DICOMDIR, a list of DICOM files; expected a DICOM file with a picture.</source>
   <translation>これはDICOMファイルの一覧であるDICOMDIRです。画像のあるDICOMファイルが必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>This is a camera raw file; expected JPEG, PNG, TIFF or another finished picture.</source>
   <translation>これはカメラのRAWファイルです。JPEG、PNG、TIFFなどの完成した画像が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is a device or a pipe; expected a picture file.</source>
   <translation>これはデバイスまたはパイプです。画像ファイルが必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is a folder; expected a picture.</source>
   <translation>これはフォルダーです。画像が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>This is neither a file nor a folder.</source>
   <translation>これはファイルでもフォルダーでもありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>This is no DICOMDIR, whatever it is called.</source>
   <translation>名前はどうであれ、これはDICOMDIRではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/directory.py" />
   <source>This is no file.</source>
   <translation>これはファイルではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>This is {name}, for which Fovea has no decoder outside DICOM; it is not damaged.</source>
   <translation>これは{name}で、FoveaにはDICOM以外でその復号器がありません。破損はしていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>This is {name}; expected {expected}.</source>
   <translation>これは{name}です。必要なもの: {expected}。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>This link leads to itself.</source>
   <translation>このリンクは自分自身を指しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>This user may not read it.</source>
   <translation>このユーザーには読む権限がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Three convolutions, two of stride 2, on large pictures, in small batches.</source>
   <translation>大きな画像に、畳み込み三つ(うち二つはストライド2)、小さなバッチで。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Three valid convolutions, squared error on one-hot.</source>
   <translation>validパディングの畳み込み三つ、one-hotに対する二乗誤差。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Time</source>
   <translation>時間</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Top score</source>
   <translation>最高スコア</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>Topics: {topics}.</source>
   <translation>トピック: {topics}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>Train a classifier, evaluate it and put it into the store.</source>
   <translation>分類器を学習させ、評価し、保管します。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Train nets on fewer and fewer pictures.</source>
   <translation>画像を減らしながらネットワークを学習させます。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Training data</source>
   <translation>学習データ</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Truth</source>
   <translation>正解</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>Try --model {suits}.</source>
   <translation>--model {suits} を試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>Try again a little later.</source>
   <translation>少しあとでもう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Try again later.</source>
   <translation>あとでもう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Try again, or ask the publisher.</source>
   <translation>もう一度試すか、公開元に問い合わせてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar.py" />
   <source>Try again.</source>
   <translation>もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>Try again: it goes on from there.</source>
   <translation>もう一度試してください: そこから続きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Try many settings of a training and see which won.</source>
   <translation>学習の設定を多数試し、最も良いものを見ます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two convolutions with batch normalisation and dropout, large batches.</source>
   <translation>バッチ正規化とドロップアウト付きの畳み込み二つ、大きなバッチ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two convolutions, pooling, dense 128; large batches.</source>
   <translation>畳み込み二つ、プーリング、全結合128。大きなバッチ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two pairs of convolutions, dense 512.</source>
   <translation>畳み込み二組、全結合512。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>Two wide 5×5 convolutions with pooling, dense 500.</source>
   <translation>広い5×5畳み込み二つとプーリング、全結合500。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>Type one that says what it is for.</source>
   <translation>用途がわかる名前を入力してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Type one.</source>
   <translation>入力してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>Unpack it and pack it again without a password.</source>
   <translation>展開し、パスワードなしで圧縮し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand, or copy it again.</source>
   <translation>自分で展開するか、もう一度コピーしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand, then give the folder.</source>
   <translation>自分で展開してから、フォルダーを指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>Unpack it by hand.</source>
   <translation>自分で展開してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>Update Fovea, or export the model again.</source>
   <translation>Foveaを更新するか、モデルをもう一度エクスポートしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Use --how features or --how fine-tune.</source>
   <translation>--how features または --how fine-tune を使ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>Use .html or .pdf.</source>
   <translation>.htmlまたは.pdfを使ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>Use a smaller batch or smaller pictures, or close other programs; then go on from the last checkpoint.</source>
   <translation>バッチまたは画像を小さくするか、ほかのプログラムを閉じてから、最後のチェックポイントから続けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>Use it, or choose another name.</source>
   <translation>それを使うか、別の名前を選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>Use its embedding.</source>
   <translation>その埋め込みを使ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_results.py" />
   <source>Use letters, digits and hyphens.</source>
   <translation>英字、数字、ハイフンを使ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>Use smaller pictures or batches.</source>
   <translation>画像またはバッチを小さくしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>Use {listed}.</source>
   <translation>{listed}を使ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>VGG16 as published stays as it is; a small head learns from what its layer block4_pool says.</source>
   <translation>公開されたVGG16はそのまま。その層block4_poolの出力から小さなヘッドが学習します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>VGG16 from random weights</source>
   <translation>乱数の重みからのVGG16</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Value</source>
   <translation>値</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>Versions</source>
   <translation>バージョン</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>Wait a moment, then try again.</source>
   <translation>少し待ってから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>Wait a moment.</source>
   <translation>少し待ってください。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>Wait for it, or stop it there.</source>
   <translation>終わるのを待つか、そこで停止してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>Wait for that one, then try again.</source>
   <translation>それが終わるのを待ってから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>Wait until it has finished, then try again.</source>
   <translation>終わるのを待ってから、もう一度試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>Weigh the classes, or add pictures to the small ones.</source>
   <translation>クラスに重みを付けるか、少ないクラスに画像を追加してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>Weights have to lie in the file itself.</source>
   <translation>重みはファイル自身の中にある必要があります。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>What an answer means where the positive class is rarer or commoner, at this threshold:</source>
   <translation>陽性のクラスの割合が変わるとき、このしきい値で回答が意味するもの:</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>What is checked with must not be learnt from: keep one of each.</source>
   <translation>検証に使うものから学習してはいけません: 1枚ずつ残してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>What is in the model store.</source>
   <translation>保管されているモデル。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>What is the model to be called?</source>
   <translation>モデルの名前は何にしますか。</translation>
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
   <translation>変えるのは、'fovea train --set'と同じく計画のフィールドです:
  --vary optimizer.name=adam|sgd --vary architecture.dropout=0.1|0.2     値
  --range optimizer.rate=0.0001..0.01:log --range fit.batch=16..256:int   数

--grid は値のすべての組み合わせを試します。--trials N ではOptunaのTPEが、見たものから学びながらN回選びます。
同じエポックでほかの中央より悪い試行は早く終わります( --no-prune: 終わらない)。同じ名前の探索は、
止まった所から続きます。複数のコンピューターで一つを分担できます: それぞれに同じ --name と --storage を
与えてください。例: postgresql://user@host/fovea。

どの試行も一つの実行です('fovea runs show')。'fovea train --resume RUN'で最良のもののモデルができます。

例:
  fovea search --preset mnist-grid --name digits --grid --vary architecture.layers=flatten,D16|flatten,D32
  fovea search --data photos --name pets --trials 20 --range optimizer.rate=0.0003..0.01:log --vary fit.batch=16|32
  fovea search --show pets --plot pets.png --csv pets.csv
  fovea search --list

終了ステータス: 0 すべての試行が終わった。1 失敗した、または --test の数値がない。2 使い方の誤りまたは不適切な計画。
130 Ctrl-Cで停止
</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>What it is</source>
   <translation>概要</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>What may stand in braces: {allowed}.</source>
   <translation>波かっこに入れられるもの: {allowed}。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>What was measured</source>
   <translation>測定したもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>Whatever it is shown, it answers with one of its {count} classes.</source>
   <translation>何を見せても、{count}クラスのどれかで回答します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>Where it was made, save it as .keras (model.save('net.keras')) or convert it to .tflite.</source>
   <translation>作成した環境で.kerasとして保存する(model.save('net.keras'))か、.tfliteに変換してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>Where it was made, save it as .keras or convert it to .tflite.</source>
   <translation>作成した環境で.kerasとして保存するか、.tfliteに変換してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>Where no class holds half of the score it answers with the more general word whose classes do ('dog, perhaps Labrador retriever'), and where no word does, that it is not sure. On 2,600 photographs of cats, dogs and clothes, by which this was chosen, 94.7 % of the answers so given were true of the picture.</source>
   <translation>スコアの半分を占めるクラスがないときは、半分を占めるクラス群をまとめる、より一般的な語で回答し(「犬、おそらくLabrador retriever」)、そのような語もないときは、確かでないと回答します。これを選ぶのに使った猫、犬、衣服の写真2,600枚では、このような回答の94.7 %が画像に合っていました。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>Where your network looks into connections, its certificate has to be known: SSL_CERT_FILE names it.</source>
   <translation>ネットワークが接続の中を検査する場合は、その証明書が必要です: SSL_CERT_FILE で指定してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Why</source>
   <translation>理由</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>With --json one object: holds, version, edition, system, checks (list of name, state, detail, seconds).
A check's state is ok, failed, or not-installed: a model without its weights, or a part that this edition leaves out,
is reported, not failed.

exit status: 0 everything holds; 1 something does not; 2 wrong usage.
</source>
   <translation>--json では一つのオブジェクト: holds、version、edition、system、checks(name、state、detail、secondsのリスト)。
確認のstateはok、failed、not-installedのどれかです: 重みのないモデルや、このエディションにない部分は、
失敗とせず報告します。

終了ステータス: 0 すべて正常。1 正常でないものがある。2 使い方の誤り。
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
   <translation>--json では、'list'はオブジェクト(id, name, state, bundled, version, labels, input, size, medical, notice,
problem)のリストを一つ、'show'は一つのオブジェクト(同じフィールドと'manifest')、'verify'はオブジェクト(id, state, holds,
problem、nameとverdictを持つfiles)のリストを一つ出力します。

終了ステータス: 0 すべて正常(重みが未インストールのモデルは問題としない)。1 モデルが破損している。
2 使い方の誤り(不明なモデルを含む)。130 Ctrl-Cで停止(取得したものは次回のために残す)。
</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>With fewer than {fewest} pictures to check with these are no figures to compare by.</source>
   <translation>検証画像が{fewest}枚未満では、比較できる数値になりません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>With {n} pictures to check with the figures are rough; see their intervals.</source>
   <translation>検証画像が{n}枚なので数値は大まかです。区間を見てください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>With {persons:,} persons only, no interval is to be relied on much.</source>
   <translation>{persons:,}人だけなので、どの区間もあまり当てになりません。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>Without a display and without a network. The pictures of the window go to --out (default: ./out).

exit status: 0 every picture was answered and the window drawn; 1 something failed; 2 wrong usage.
</source>
   <translation>画面もネットワーク接続も不要です。ウィンドウの画像は --out に入ります(既定: ./out)。

終了ステータス: 0 すべての画像に回答し、ウィンドウを描いた。1 何かが失敗した。2 使い方の誤り。
</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>Without a topic: the list of topics. TOPIC#PART prints one part of a page. 'fovea --help' lists the commands,
'fovea COMMAND --help' the options of one.

exit status: 0; 1 nothing was found, or the pages cannot be read; 2 there is no such topic.
</source>
   <translation>トピックなし: トピックの一覧。TOPIC#PARTはページの一項目を表示。'fovea --help'はコマンドの一覧、
'fovea COMMAND --help'はそのオプション。

終了ステータス: 0。1 見つからない、またはページを読めない。2 そのようなトピックはない。
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
   <translation>名前なし: 表。名前あり: そのコンポーネントとライセンスの本文。 --json はオブジェクトのリストで、
name、version、licence(SPDX)、kind、homepage、source、textsを含みます。

QtとPySide6はLGPLバージョン3で使用しています: ライブラリはプログラムの横の独立したファイルで、自分で
ビルドしたものに置き換えられます。手順はdocs/licences.mdにあります。

終了ステータス: 0。1 一覧を読めない。2 そのようなコンポーネントはない。
</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>Without one there is 'fovea demo'.</source>
   <translation>画面がなくても'fovea demo'が使えます。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Write KEY=A|B|C.</source>
   <translation>KEY=A|B|Cの形で書いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>Write KEY=LOW..HIGH, with :log or :int.</source>
   <translation>KEY=LOW..HIGHの形で、:logまたは:intを付けて書いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>Write for instance --set fit.epochs=10.</source>
   <translation>たとえば --set fit.epochs=10 のように書いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>Write for instance 300,1000,3000.</source>
   <translation>たとえば300,1000,3000のように書いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>Write for instance fit.epochs=10.</source>
   <translation>たとえばfit.epochs=10のように書いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>Write it again in smaller groups of rows.</source>
   <translation>行グループを小さくして書き直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>Write it as class=label.</source>
   <translation>class=labelの形で書いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>Write more of the id.</source>
   <translation>IDをもっと長く書いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>Wrong answers, the worst first</source>
   <translation>誤った回答、ひどいものから</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a 7-Zip archive</source>
   <translation>7-Zipアーカイブ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>a CSV: file and label of each picture</source>
   <translation>CSV: 各画像のファイルとラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a DDS texture</source>
   <translation>DDSテクスチャー</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a FITS file</source>
   <translation>FITSファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a GIMP document (XCF)</source>
   <translation>GIMPのドキュメント(XCF)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a JPEG 2000 picture</source>
   <translation>JPEG 2000画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a JPEG XL picture</source>
   <translation>JPEG XL画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a NIfTI volume</source>
   <translation>NIfTIボリューム</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a NumPy array</source>
   <translation>NumPy配列</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a PDF document</source>
   <translation>PDF文書</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a PNM picture</source>
   <translation>PNM画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a Photoshop document (PSD)</source>
   <translation>Photoshopのドキュメント(PSD)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a PyTorch file, which is a pickle and can run code of its own when it is opened</source>
   <translation>PyTorchのファイル。pickleであり、開くと独自のコードを実行できます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a QOI picture</source>
   <translation>QOI画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a RAR archive</source>
   <translation>RARアーカイブ</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a Radiance HDR picture</source>
   <translation>Radiance HDR画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a TensorFlow graph, which is a program and cannot be checked layer by layer</source>
   <translation>TensorFlowのグラフ。プログラムであり、層ごとに確認できません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a ZIP archive</source>
   <translation>ZIPアーカイブ</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a camera raw file</source>
   <translation>カメラのRAWファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a checkpoint, which holds weights without their network</source>
   <translation>チェックポイント。ネットワークのない重みです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a cursor file</source>
   <translation>カーソルファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>a database of its own, shared by several computers</source>
   <translation>複数のコンピューターで共有する独自のデータベース</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>a file (.h5, .weights.h5)</source>
   <translation>ファイル(.h5、.weights.h5)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a file of weights without their network</source>
   <translation>ネットワークのない重みのファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a folder of class folders, an archive of one, an .npz, IDX files, CIFAR batches, or pictures with a table of their labels (see --layout); the name of a public set (mnist, cifar10-jpeg, chest-xray, cats-dogs, captcha-letters); or, with a plan for a public set, where the sets lie</source>
   <translation>クラス別フォルダーのあるフォルダー、そのアーカイブ、.npz、IDXファイル、CIFARバッチ、または画像とラベルの表( --layout を参照)。公開データセットの名前(mnist、cifar10-jpeg、chest-xray、cats-dogs、captcha-letters)。または、公開データセットの計画では、データセットの場所</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>a folder of pictures and --model are needed, or --undo, or --log</source>
   <translation>画像のフォルダーと --model 、または --undo 、または --log が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>a folder of your own for the run (default: the runs)</source>
   <translation>実行用の自分のフォルダー(既定: 実行の場所)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>a grid needs values, and {ranges} is a range</source>
   <translation>格子には値が必要ですが、{ranges}は範囲です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a gzip archive</source>
   <translation>gzipアーカイブ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a head on what '{name}' sees in each picture (--preset, --architecture, --from, --size and --colour choose otherwise)</source>
   <translation>'{name}'が各画像に見るものに対するヘッド( --preset 、--architecture 、--from 、--size 、--colour で変えられる)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>a label is empty</source>
   <translation>空のラベルがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>a layer cannot be called '{value}': the name is taken</source>
   <translation>層の名前を'{value}'にできません: すでに使われています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>a layer of somebody's own, '{registered}'</source>
   <translation>独自の層'{registered}'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>a log of moved files is damaged</source>
   <translation>移動したファイルの記録が破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a media file of another kind</source>
   <translation>別の種類のメディアファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>a mirror of the same file; its hash is compared all the same</source>
   <translation>同じファイルのミラー。ハッシュはそれでも照合する</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>a model needs a name</source>
   <translation>モデルには名前が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a named system; 'fovea train --list-presets' shows them</source>
   <translation>名前の付いたシステム。'fovea train --list-presets'で表示</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>a network of its own, from random weights</source>
   <translation>独自のネットワーク(乱数の重みから)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>a network that begins from a finished one computes in 32 bits, as that does</source>
   <translation>完成したネットワークから始めるネットワークは、それと同じく32ビットで計算します</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>a new folder, or a file .csv or .json</source>
   <translation>新しいフォルダー、または.csvか.jsonのファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>a page, as the list names it</source>
   <translation>ページ(一覧にある名前)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a palette picture whose palette is missing</source>
   <translation>パレットのないパレット画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>a part of another picture, with its label's share</source>
   <translation>別の画像の一部を、ラベルの割合とともに</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>a pattern has 1 to {most} letters</source>
   <translation>パターンは1から{most}文字です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>a pickle, which can run code of its own when it is opened</source>
   <translation>pickle。開くと独自のコードを実行できます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>a picture in {form} decodes to another one</source>
   <translation>{form}の画像が別の画像に復号されます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>a picture, a folder of pictures, or a DICOMDIR</source>
   <translation>画像、画像のフォルダー、またはDICOMDIR</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>a picture; the model is the one that the settings name</source>
   <translation>画像。モデルは設定にあるもの</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>a plan needs to be told its classes</source>
   <translation>計画にはクラスの指定が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a predictor (number {predictor}) that does not go with its samples</source>
   <translation>サンプルに合わない予測子(番号{predictor})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>a report to hand on: .html or .pdf</source>
   <translation>渡すためのレポート: .htmlまたは.pdf</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>a run that is taken up keeps its plan: --resume goes without {others}</source>
   <translation>再開する実行は計画を変えません: --resume は{others}と一緒に使えません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>a second model on the same pictures, with McNemar's test</source>
   <translation>同じ画像での2番目のモデル、マクネマー検定付き</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>a side of {side} pixels of the answer sets' pictures found; 0 or more expected</source>
   <translation>候補の回答の組の画像の一辺が{side}ピクセルです。0以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a sound or video file</source>
   <translation>音声または動画ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>a table gives the pictures other classes than their folders do</source>
   <translation>表の示すクラスがフォルダーの示すクラスと異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>a table of answers</source>
   <translation>回答の表</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>a table of labels was found</source>
   <translation>ラベルの表が見つかりました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>a threshold goes with two labels, a positive class of 0 or 1 and a value between 0 and 1</source>
   <translation>しきい値には、二つのラベル、0または1の陽性クラス、0から1の値が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>a threshold goes with two labels; this model has {count}</source>
   <translation>しきい値には二つのラベルが必要です。このモデルは{count}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>a threshold of {threshold}</source>
   <translation>しきい値{threshold}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>a training plan (JSON)</source>
   <translation>学習計画(JSON)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>a transparency mask</source>
   <translation>透明マスク</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>a web page</source>
   <translation>ウェブページ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>a whole number</source>
   <translation>整数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>about {size} to download</source>
   <translation>ダウンロード約{size}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>accuracy of some nets against the number of pictures to learn from</source>
   <translation>複数のネットワークの、学習用の画像の数に対する正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>accuracy on the test split {accuracy}</source>
   <translation>テスト分割での正解率{accuracy}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>accuracy on {split}, mean of {repeats} (least to most){of}</source>
   <translation>{split}での正解率、{repeats}回の平均(最小から最大){of}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>after its conversion the network answers otherwise, by {largest_difference:.1e} in a score; {parity_limit:.0e} at most expected</source>
   <translation>変換後のネットワークの回答が異なり、スコアの差が{largest_difference:.1e}です。最大{parity_limit:.0e}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>all</source>
   <translation>すべて</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>all figures, for programs ('-': stdout instead of the table)</source>
   <translation>すべての数値、プログラム用('-': 表の代わりに標準出力へ)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>all into one folder; with --name telling the answers</source>
   <translation>すべて一つのフォルダーへ。 --name で回答を示す</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>all pictures belong together: none can check what was learned from the others</source>
   <translation>すべての画像がひとまとまりです: ほかから学習したことを検証できる画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>all {size}</source>
   <translation>すべて{size}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an EPS document</source>
   <translation>EPS文書</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an EPS or PostScript document</source>
   <translation>EPSまたはPostScript文書</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an HDF5 file</source>
   <translation>HDF5ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an NRRD volume</source>
   <translation>NRRDボリューム</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>an ONNX file, which Fovea writes but does not read</source>
   <translation>ONNXファイル。Foveaは書き出しますが、読みません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an OpenEXR picture</source>
   <translation>OpenEXR画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an SVG drawing</source>
   <translation>SVG図形</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>an activation '{node}'</source>
   <translation>活性化関数'{node}'</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>an arrangement of samples that Fovea does not know</source>
   <translation>Foveaが知らないサンプルの並び</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>an array of '{title}' takes {size:.1f} GiB; at most {limit} are opened</source>
   <translation>'{title}'の配列は{size:.1f} GiBになります。開けるのは最大{limit}です</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>an evaluation</source>
   <translation>評価</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/formats.py" />
   <source>an icon file</source>
   <translation>アイコンファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>an object</source>
   <translation>オブジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>an object of the class {name}</source>
   <translation>クラス{name}のオブジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>an operation of the network has a place that does not exist</source>
   <translation>ネットワークの演算が、存在しない場所を指しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>an unexpected fault stopped it ({name})</source>
   <translation>予期しない異常で停止しました({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>an unexpected fault stopped the learning ({name})</source>
   <translation>予期しない異常で学習が停止しました({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>an unexpected fault stopped the learning ({place})</source>
   <translation>予期しない異常で学習が停止しました({place})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>an unexpected fault stopped the search ({name})</source>
   <translation>予期しない異常で探索が停止しました({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>an unexpected fault stopped the training ({name})</source>
   <translation>予期しない異常で学習が停止しました({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>an unexpected fault stopped this picture ({name})</source>
   <translation>予期しない異常でこの画像が止まりました({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>an unknown transfer syntax</source>
   <translation>不明な転送構文</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>and {count:,} more without an answer; --csv lists all</source>
   <translation>ほか{count:,}枚に回答なし。--csv ですべて列挙</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>and {rest:,} more</source>
   <translation>ほか{rest:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>another Fovea has been preparing its models for minutes</source>
   <translation>別のFoveaが何分も前からモデルを準備しています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>another Fovea is changing the models</source>
   <translation>別のFoveaがモデルを変更しています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>another Fovea is moving files now</source>
   <translation>別のFoveaがファイルを移動しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>another goal</source>
   <translation>別の目標</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>another net: a preset's, or layers (repeatable)</source>
   <translation>別のネットワーク: プリセットのもの、または層の指定(繰り返し可)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>another plan: other classes, another network, or other settings beside those that are varied</source>
   <translation>別の計画: クラス、ネットワーク、または変えるもの以外の設定が異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>another window of Fovea is changing the projects</source>
   <translation>別のFoveaのウィンドウがプロジェクトを変更しています</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>answer</source>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>answer {label} {score:.3f}</source>
   <translation>回答{label} {score:.3f}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>any field of the plan: optimizer.rate=0.01 fit.patience=5 augment.affine.rotate=15 …</source>
   <translation>計画の任意のフィールド: optimizer.rate=0.01 fit.patience=5 augment.affine.rotate=15 …</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder with one folder for each class</source>
   <translation>クラスごとに一つのフォルダーがある任意のフォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, a thousand pictures or more</source>
   <translation>任意のフォルダー、画像1,000枚以上</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, many thousand pictures</source>
   <translation>任意のフォルダー、画像数万枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>any folder, some hundred pictures</source>
   <translation>任意のフォルダー、画像数百枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/architectures.py" />
   <source>architecture '{name}': {error}</source>
   <translation>アーキテクチャ'{name}': {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>architecture only</source>
   <translation>アーキテクチャのみ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>architecture, 60 M parameters</source>
   <translation>アーキテクチャ、パラメータ60 M</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>arithmetic-coded lossless JPEG</source>
   <translation>算術符号化の可逆JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>as 'fovea teach list --deleted' shows it</source>
   <translation>'fovea teach list --deleted'が示すもの</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>as JSON</source>
   <translation>JSONで出力</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>as many images</source>
   <translation>画像数も同じ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>as the file itself scales bytes</source>
   <translation>ファイル自身がバイトを拡縮する</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>as they are, 0 to 255</source>
   <translation>0から255、そのまま</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>at a threshold of {value:.4g}</source>
   <translation>しきい値{value:.4g}で</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>at least one training of each is needed</source>
   <translation>それぞれ少なくとも1回の学習が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>at most {most_parameters} million are imported</source>
   <translation>インポートできるのは最大{most_parameters}百万個です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>at the end measure the best trial on the test split</source>
   <translation>最後に、最良の試行をテスト分割で測定する</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>at_least goes with the decision 'sensitivity', and with no other</source>
   <translation>at_leastは判定'sensitivity'とだけ一緒に使えます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>at_least {at_least} found; expected a fraction between 0 and 1</source>
   <translation>at_leastが{at_least}です。0から1の間の割合が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>augment: {text} found, 'none' expected</source>
   <translation>augment: {text}です。'none'のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/augment.py" />
   <source>augmentation 'european' found pictures of {shape}; 28×28×1 expected</source>
   <translation>データ拡張'european'の画像が{shape}です。28×28×1が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>augmentation '{name}' has no setting {unknown}</source>
   <translation>データ拡張'{name}'に設定{unknown}はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>augmentation '{name}': {key} is {value}; expected {wanted}</source>
   <translation>データ拡張'{name}': {key}が{value}です。{wanted}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>back  {new}  -&gt;  {old}</source>
   <translation>戻し  {new}  -&gt;  {old}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>begin with a model of the store</source>
   <translation>保管されているモデルから始める</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>bend smoothly</source>
   <translation>滑らかに曲げる</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>best</source>
   <translation>最良</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>best {goal} of {count} trials {value}{n}: {chosen}</source>
   <translation>{count}試行で最良の{goal}は{value}{n}: {chosen}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>blended with another picture and its label</source>
   <translation>別の画像とそのラベルを混ぜる</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>blue before green before red, ImageNet's means subtracted (Caffe's habit)</source>
   <translation>青、緑、赤の順、ImageNetの平均を引く(Caffeの慣習)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>brightness and contrast</source>
   <translation>明るさとコントラスト</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>bring in a network (.keras, .h5, .tflite) or a model of another Fovea (.zip)</source>
   <translation>ネットワーク(.keras、.h5、.tflite)または別のFoveaのモデル(.zip)を取り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>bring the pictures to N×N pixels</source>
   <translation>画像をN×Nピクセルにする</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>building the network</source>
   <translation>ネットワークの組み立て</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>burnt-in markers</source>
   <translation>焼き込まれた印</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by DICOM's patient number the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation>DICOMの患者番号によると、画像は{people:,}人または{people:,}件のもので、そのうち{several:,}には複数の画像があります: 検証は人単位で分けます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>by the highest score</source>
   <translation>最高スコアで</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by the names of files and folders and DICOM's patient numbers the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation>ファイルとフォルダーの名前およびDICOMの患者番号によると、画像は{people:,}人または{people:,}件のもので、そのうち{several:,}には複数の画像があります: 検証は人単位で分けます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>by the names of files and folders the pictures belong to {people:,} people or cases, {several:,} of them with several pictures: validation is cut by person</source>
   <translation>ファイルとフォルダーの名前によると、画像は{people:,}人または{people:,}件のもので、そのうち{several:,}には複数の画像があります: 検証は人単位で分けます</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>by the pattern '{pattern}' all pictures would have one name</source>
   <translation>パターン'{pattern}'では、すべての画像が同じ名前になります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>calibrating</source>
   <translation>校正中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>call a model something else</source>
   <translation>モデルの名前を変える</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>called '{scores}'</source>
   <translation>呼び名'{scores}'</translation>
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
   <translation>cam       ネットワーク自身の最後のマップ、すぐに求まる: プーリングと一つの全結合層で終わるネットワーク用
grad-cam  勾配、空間マップのあるすべてのネットワーク用。TensorFlowを読み込むため数秒かかる
occlusion 部分を一つずつ隠し、スコアの下がり方を見る: 遅いが、ネットワークの仕組みによらない
明るい場所はそのクラスを示します。ネットワークの入力の外は暗くなります。数字では、インクが移動・拡縮される
ため、前処理後の入力にマップを描きます。マップはネットワークが見た場所を示し、正しいかどうかは示しません。

終了ステータス: 0 画像を書き込んだ( --json では記述を出力)。1 作れなかった。2 使い方の誤り。
</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/worker.py" />
   <source>cancelled</source>
   <translation>キャンセルしました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>cancelled; no model was made</source>
   <translation>キャンセルしました。モデルは作られていません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>cancelled; what was fetched is kept for the next try</source>
   <translation>キャンセルしました。取得したものは次回のために残します</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>cannot be read</source>
   <translation>が読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>card.{name}: {count:,} sentences found, at most {most_items} expected</source>
   <translation>card.{name}: {count:,}文あります。最大{most_items}文です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>center_crop: the shorter side is scaled to N</source>
   <translation>center_crop: 短い辺をNに拡縮</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>channels of different depths</source>
   <translation>深さの異なるチャンネル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>check this installation: models, engine, window</source>
   <translation>このインストールを確認する: モデル、エンジン、ウィンドウ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>checkpoint version {meta}, {version} expected</source>
   <translation>チェックポイントのバージョンが{meta}です。{version}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>chest X-rays</source>
   <translation>胸部X線画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>class '{large}' has {ratio:.3g} times as many pictures as '{small}'</source>
   <translation>クラス'{large}'の画像は'{small}'の{ratio:.3g}倍です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{name}' was left out, as asked</source>
   <translation>クラス'{name}'は指定どおり除きました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{name}' was taken for the label '{labels}': they differ in case only</source>
   <translation>クラス'{name}'をラベル'{labels}'とみなしました: 大文字と小文字だけが異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>class '{pair}' is mapped twice</source>
   <translation>クラス'{pair}'が2回対応付けられています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>class A of the data is label B; empty B: leave A out</source>
   <translation>データのクラスAはラベルB。Bが空ならAを除く</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>class activation map</source>
   <translation>クラス活性化マップ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>class folders, an archive, .npz …</source>
   <translation>クラス別フォルダー、アーカイブ、.npz …</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>class weights and over- or under-sampling both balance the classes: choose one of them</source>
   <translation>クラスの重みと、オーバーサンプリングまたはアンダーサンプリングは、どちらもクラスの偏りを補います: 一方を選んでください</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>classes called 0, 1, 2 … are the model's own label numbers</source>
   <translation>0、1、2 …というクラス名はモデル自身のラベル番号</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>classes in column '{name}': {value}</source>
   <translation>列'{name}'のクラス: {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>classify a few samples with every model, with pictures of the window</source>
   <translation>いくつかのサンプルを全モデルで分類し、ウィンドウの画像を作る</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>classify pictures: files and whole folders</source>
   <translation>画像を分類する: ファイルとフォルダー全体</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>classify: show where the network looked</source>
   <translation>分類: ネットワークが見た場所を表示する</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>clip_norm {clip_norm} found; expected a number above 0, or none</source>
   <translation>clip_normが{clip_norm}です。0より大きい数、またはなしが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>colour model number {photometric}</source>
   <translation>色モデル番号{photometric}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>compare every file with its checksum</source>
   <translation>すべてのファイルをチェックサムと照合する</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing checksums</source>
   <translation>チェックサムの照合</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>comparing pictures</source>
   <translation>画像を比較中</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing the file's hash</source>
   <translation>ファイルのハッシュの照合</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>comparing the two forms</source>
   <translation>二つの形式の比較</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>components whose licence texts are to be shown</source>
   <translation>ライセンスの本文を表示するコンポーネント</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>compression number {compression}</source>
   <translation>圧縮番号{compression}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>computing features</source>
   <translation>特徴量を計算中</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>computing {words}</source>
   <translation>計算: {words}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>confirm how the labels are read where class folders do not tell them: 'table' (a CSV names the pictures) or 'names' (the file names carry them), as they were recognised, or in full as Fovea proposes it: table:FILE:NAMES:LABELS, names:{label}_#; 'folders': each folder is a class, whatever it is called</source>
   <translation>クラス別フォルダーからわからないとき、ラベルの読み方を確定する: 'table'(CSVが画像を挙げる)または'names'(ファイル名にある)は認識されたとおり、またはFoveaの提案どおり全体を: table:FILE:NAMES:LABELS、names:{label}_#。'folders': 名前によらず各フォルダーが一つのクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>converted to sRGB by its gamma value</source>
   <translation>ガンマ値によりsRGBへ変換</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>converted to sRGB from Lab</source>
   <translation>LabからsRGBへ変換</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>converted to sRGB from its colour profile</source>
   <translation>カラープロファイルからsRGBへ変換</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>converting it</source>
   <translation>変換</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>converting it to LiteRT</source>
   <translation>LiteRTへの変換</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>copied by answer</source>
   <translation>回答別にコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>copied into one folder</source>
   <translation>一つのフォルダーへコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>copy</source>
   <translation>コピー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>copy a model into your own</source>
   <translation>モデルを自分のものとしてコピーする</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>copy or move pictures into folders by answer, or rename them; with undo</source>
   <translation>画像を回答別のフォルダーにコピーまたは移動、または名前を変更する。元に戻せる</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>copy the samples that come with Fovea into a folder</source>
   <translation>Fovea付属のサンプルをフォルダーにコピーする</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>copying</source>
   <translation>コピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>cover a part</source>
   <translation>一部を隠す</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/solved.py" />
   <source>cross-validated in {found} parts: each of the {count:,} pictures is checked once by a head that did not learn from it, and the model learns from all of them</source>
   <translation>{found}分割で交差検証: 画像{count:,}枚のそれぞれを、その画像から学習していないヘッドで一度検証し、モデルはすべてから学習します</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>curves only (Kermany et al.: 92.8 % accuracy, AUC .968)</source>
   <translation>曲線のみ(Kermanyら: 正解率92.8 %、AUC .968)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>cycles repeat a 'triangle' or a 'cosine', not the schedule '{schedule}'</source>
   <translation>cyclesは'triangle'または'cosine'を繰り返すもので、スケジュール'{schedule}'は繰り返せません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>damaged</source>
   <translation>破損</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>dark ink on light paper was inverted</source>
   <translation>明るい紙の暗いインクを反転しました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>data compressed as {name}</source>
   <translation>{name}で圧縮されたデータ</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>data of an unknown kind</source>
   <translation>不明な種類のデータ</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>decision rule {rule} is unknown</source>
   <translation>判定規則{rule}は不明です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>declares a size of {width}×{height} pixels; expected at least 1×1</source>
   <translation>大きさが{width}×{height}ピクセルと宣言されています。1×1以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>declares {samples} samples a pixel</source>
   <translation>1ピクセルあたり{samples}サンプルと宣言されています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>decoded at {width}×{height}</source>
   <translation>{width}×{height}で復号</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>default: ./out</source>
   <translation>既定: ./out</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>default: bilinear</source>
   <translation>既定: bilinear</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>default: light</source>
   <translation>既定: ライト</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>digits as Europeans write them</source>
   <translation>ヨーロッパ式の数字の書き方</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>divided by 255, 0 to 1</source>
   <translation>255で割る、0から1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>does not begin like one</source>
   <translation>そのような始まり方をしていません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>does not match its checksum</source>
   <translation>がチェックサムと一致しません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>does not say where its picture lies</source>
   <translation>画像の位置が示されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>done</source>
   <translation>完了</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>draw the window into a PNG file, without a display</source>
   <translation>画面なしで、ウィンドウをPNGファイルに描く</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>draw where in a picture a model found its answer</source>
   <translation>モデルが画像のどこから回答を得たかを描く</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>draw: the drawing, as Export saves it</source>
   <translation>描画: エクスポートで保存した描画</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>drawn offscreen at {width}×{height}</source>
   <translation>オフスクリーンで{width}×{height}に描きました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>either --into FOLDER or --rename PATTERN is needed</source>
   <translation>--into FOLDER または --rename PATTERN のどちらかが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>either pictures or --camera are needed</source>
   <translation>画像または --camera のどちらかが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>end no trial early</source>
   <translation>どの試行も早く終わらせない</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>ended early: others do better</source>
   <translation>早めに終了: ほかのほうが良い結果です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode_in_child.py" />
   <source>ended with an unexpected fault</source>
   <translation>予期しない異常で終了しました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>ends before its directory does</source>
   <translation>ディレクトリの前で終わっています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>enlarged from {width}×{height}</source>
   <translation>{width}×{height}から拡大</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epoch {epoch}  batch {step}/{steps}  loss {loss:.4f}  accuracy {accuracy:.4f}  {images_per_s:,.0f} pictures/s</source>
   <translation>エポック{epoch}  バッチ{step}/{steps}  損失{loss:.4f}  正解率{accuracy:.4f}  毎秒{images_per_s:,.0f}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epoch {epoch}/{epochs}  loss {loss:.4f}  accuracy {accuracy:.4f}  validation loss {val_loss:.4f}  accuracy {val_accuracy:.4f}  {seconds:.0f} s{marks}</source>
   <translation>エポック{epoch}/{epochs}  損失{loss:.4f}  正解率{accuracy:.4f}  検証損失{val_loss:.4f}  正解率{val_accuracy:.4f}  {seconds:.0f}秒{marks}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>epochs {epoch} to {epochs}</source>
   <translation>エポック{epoch}から{epochs}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>epochs, batch and steps_per_execution must be at least 1</source>
   <translation>epochs、batch、steps_per_executionは1以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate, train, models: which part of the view</source>
   <translation>評価、学習、モデル: ビューのどの部分か</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate, wizard: labelled data (default: none yet)</source>
   <translation>評価、ウィザード: ラベル付きデータ(既定: まだなし)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>evaluate: which of the data's splits</source>
   <translation>評価: データのどの分割か</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>evaluating</source>
   <translation>評価中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>evaluating ended with {status}: {which}</source>
   <translation>評価がステータス{status}で終了しました: {which}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>events as JSON lines</source>
   <translation>イベントをJSONの行で出力</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>every class was left out</source>
   <translation>すべてのクラスが除かれました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>every combination of the values</source>
   <translation>値のすべての組み合わせ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>every component of this program with its licence</source>
   <translation>このプログラムの全コンポーネントとそのライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>every deviation must be above 0</source>
   <translation>標準偏差はすべて0より大きい必要があります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>every measurement as a table</source>
   <translation>すべての測定の表</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>every model, with its state</source>
   <translation>すべてのモデルとその状態</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>every run, the newest first</source>
   <translation>すべての実行、新しいものから</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>every test letter right</source>
   <translation>テストの文字すべて正解</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>everything holds</source>
   <translation>すべて正常です</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>exit status {code}</source>
   <translation>終了ステータス{code}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>exit status {exitcode}</source>
   <translation>終了ステータス{exitcode}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>exit status: 0 all well; 1 a run is not there, in use or damaged; 2 wrong usage</source>
   <translation>終了ステータス: 0 すべて正常。1 実行がない、使用中、または破損。2 使い方の誤り</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>exit status: 0 the picture was written (its path is printed); 1 it could not be drawn; 2 wrong usage.
</source>
   <translation>終了ステータス: 0 画像を書き込んだ(パスを出力)。1 描けなかった。2 使い方の誤り。
</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected 'x_train y_train x_test y_test', 'train_images train_labels …', 'x y' or 'images labels'</source>
   <translation>必要なもの: 'x_train y_train x_test y_test'、'train_images train_labels …'、'x y'、'images labels'のいずれか</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected uint8 of (n, height, width), (n, height, width, 1) or (n, height, width, 3)</source>
   <translation>(n, height, width)、(n, height, width, 1)、(n, height, width, 3)いずれかのuint8が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>expected {count} whole numbers</source>
   <translation>{count}個の整数が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>exporting</source>
   <translation>エクスポート中</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>far too many</source>
   <translation>多すぎる数の</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>features</source>
   <translation>特徴量</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>few pictures to learn from: {few}</source>
   <translation>学習用の画像が少ない: {few}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>figures of several runs, and where their plans differ</source>
   <translation>複数の実行の数値と、計画の違い</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>file name {name} is not allowed</source>
   <translation>ファイル名{name}は使えません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>files, folders, archives</source>
   <translation>ファイル、フォルダー、アーカイブ</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>fine-tune its last layers</source>
   <translation>末尾の層をファインチューニング</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>fine-tuning needs at least one layer to unfreeze</source>
   <translation>ファインチューニングには、凍結を解く層が少なくとも1層必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>fine-tuning: the last {free} layers learn now too</source>
   <translation>ファインチューニング: ここから末尾の{free}層も学習します</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fingerprint {fingerprint}
</source>
   <translation>フィンガープリント{fingerprint}
</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folder '{name}' cannot be read</source>
   <translation>フォルダー'{name}'を読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>folder or file</source>
   <translation>フォルダーまたはファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folders called like splits of the data ({which}) lie where classes were expected: inside them there has to be a folder for each class; if they are classes, confirm it with the layout 'folders'</source>
   <translation>クラスがあるはずの場所に、分割のような名前のフォルダー({which})があります: その中にクラスごとのフォルダーが必要です。これらがクラスなら、レイアウト'folders'で確定してください</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>folders whose names are written in two ways (accents) are one class: {told}</source>
   <translation>名前が二通りに書かれた(アクセント記号の違い)フォルダーは一つのクラスとします: {told}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>folds {folds} found; expected 0, or 2 or more with a head that is solved</source>
   <translation>foldsが{folds}です。0、または解くヘッドのときは2以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>for a network that takes any size</source>
   <translation>任意の大きさを受け取るネットワーク用</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>for everybody who uses this Python environment (as make does)</source>
   <translation>このPython環境を使う全員のため(makeと同じ)</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>format of {a}</source>
   <translation>{a}の形式</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>found an array of {dtype} with shape {shape}; expected uint8 of (H, W) or (H, W, 3)</source>
   <translation>形が{shape}の{dtype}配列でした。(H, W)または(H, W, 3)のuint8が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: left out DICOM objects that hold no picture, as reports do: {count:,}</source>
   <translation>fovea: レポートなど画像のないDICOMオブジェクトを除きました: {count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: making {names} once, from what was installed; this takes up to a minute</source>
   <translation>fovea: インストールしたものから{names}を一度だけ作成しています。最大1分ほどかかります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: no pictures found; expected {expected}, by suffix or by content</source>
   <translation>fovea: 画像が見つかりません。拡張子または内容による{expected}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>fovea: stopped</source>
   <translation>fovea: 停止しました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>fovea: the engine ended ({reason})</source>
   <translation>fovea: エンジンが終了しました({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict_camera.py" />
   <source>fovea: the video breaks off before its end</source>
   <translation>fovea: 動画が終わりの前で途切れています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>fovea: there are no models; install Fovea again, or import one</source>
   <translation>fovea: モデルがありません。Foveaを再インストールするか、モデルをインポートしてください</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {get} …</source>
   <translation>fovea: {get} …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>fovea: {hint}</source>
   <translation>fovea: {hint}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>fovea: {id}: {problem}</source>
   <translation>fovea: {id}: {problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fovea: {message}</source>
   <translation>fovea: {message}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>fovea: {message}: training a network from nothing instead ({hint})</source>
   <translation>fovea: {message}: 代わりに最初からネットワークを学習させます({hint})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {name}: from the package {distribution}, offline</source>
   <translation>fovea: {name}: パッケージ{distribution}から、オフライン</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>fovea: {name}: {about}{size:,} bytes from {value}; licence: {licence}</source>
   <translation>fovea: {name}: {value}から{about}{size:,}バイト。ライセンス: {licence}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>fovea: {text}</source>
   <translation>fovea: {text}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>frame {at:,} of {total:,}</source>
   <translation>フレーム{at:,} / {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/decode.py" />
   <source>frame {frame} of {frames}</source>
   <translation>フレーム{frame} / {frames}</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>frames of one video or shots of one burst on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: frames of one video or shots of one burst on both sides of a split: once</extracomment>
   <translation>
    <numerusform>一つの動画のフレームまたは連写の画像が分割の両側にあります: {count:,}件</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>frames of one video or shots of one burst: {many:,} pictures in {count:,} groups</source>
   <translation>一つの動画のフレームまたは連写の画像: {count:,}グループ、{many:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>from {low:g} to {high:g}</source>
   <translation>{low:g}から{high:g}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>give either --grid or --trials N</source>
   <translation>--grid または --trials N のどちらかを指定してください</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>give the search a --name</source>
   <translation>探索に --name を付けてください</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/stopwatch.py" />
   <source>give up after (default: 120)</source>
   <translation>この秒数であきらめる(既定: 120)</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/evaluation_facts.py" />
   <source>given by the user{own}</source>
   <translation>ユーザーが指定{own}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>go on training every layer</source>
   <translation>すべての層の学習を続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>grey pictures ({grey:,}) and colour pictures ({colour:,}) are mixed</source>
   <translation>グレー画像({grey:,}枚)とカラー画像({colour:,}枚)が混ざっています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>grey repeated in three channels</source>
   <translation>グレーを3チャンネルに複製</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>hard links instead of copies</source>
   <translation>コピーの代わりにハードリンク</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>has a directory without entries</source>
   <translation>ディレクトリに項目がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/tags.py" />
   <source>has no directory where one must be</source>
   <translation>ディレクトリがあるべき場所にありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>has the shape {shape}</source>
   <translation>の形は{shape}です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>hierarchical JPEG</source>
   <translation>階層JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>hierarchical lossless JPEG</source>
   <translation>階層可逆JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>hold back some pictures to compare with this older model</source>
   <translation>この古いモデルと比較するため、一部の画像を取り分ける</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>how (default: cam where its map is fine enough, else occlusion)</source>
   <translation>方法(既定: マップが十分細かければcam、そうでなければocclusion)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>how a picture gets its size</source>
   <translation>画像の大きさの合わせ方</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>how long until the window is there, and until it answers</source>
   <translation>ウィンドウが出るまで、回答するまでの時間</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>how many classes to list (default: 1, with --json {json_top})</source>
   <translation>列挙するクラスの数(既定: 1、 --json では{json_top})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>how much prepared pictures take on disk; remove them</source>
   <translation>前処理済み画像のディスク使用量。削除もできる</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>how often the list of possible answers may leave out the right one, one of {rate_words} (default: {default_rate:g})</source>
   <translation>候補の回答の一覧に正しい回答が入らないことを許す割合、{rate_words}のいずれか(既定: {default_rate:g})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>how pixels were scaled when it was trained</source>
   <translation>学習時のピクセルの拡縮方法</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>id or name of a project, or a folder of pictures</source>
   <translation>プロジェクトのIDまたは名前、または画像のフォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>id {id} found; expected lower-case letters, digits and hyphens</source>
   <translation>IDが{id}です。小文字、数字、ハイフンが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>images answered, the surest first (%)</source>
   <translation>回答した画像、確かなものから(%)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>in 32 bits: 16 would not be faster on this device</source>
   <translation>32ビットで: このデバイスでは16ビットにしても速くなりません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>in the package {distribution} {version}</source>
   <translation>パッケージ{distribution} {version}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures and column '{label}' gives their classes</source>
   <translation>{which}では、列'{name}'が画像を、列'{label}'がクラスを示します</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures and one column for each class their classes</source>
   <translation>{which}では、列'{name}'が画像を、クラスごとの列がクラスを示します</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures, column '{label}' gives their classes and column '{split}' their splits</source>
   <translation>{which}では、列'{name}'が画像を、列'{label}'がクラスを、列'{split}'が分割を示します</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>in {which} column '{name}' names the pictures, one column for each class their classes and column '{split}' their splits</source>
   <translation>{which}では、列'{name}'が画像を、クラスごとの列がクラスを、列'{split}'が分割を示します</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>inks other than cyan, magenta, yellow and black, or inks that are no whole numbers</source>
   <translation>シアン、マゼンタ、イエロー、ブラック以外のインク、または整数でないインク</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/decode.py" />
   <source>input/output error</source>
   <translation>入出力エラー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>install the weights of a network of the catalogue</source>
   <translation>カタログのネットワークの重みをインストールする</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>installing {name} for a while</source>
   <translation>{name}の一時的なインストール</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>instead of files: a camera's number, a video file or an address; ends with the video or by Ctrl-C</source>
   <translation>ファイルの代わりに: カメラの番号、動画ファイル、アドレス。動画の終わりまたはCtrl-Cで終了</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>is damaged or cut off</source>
   <translation>は破損しているか、途中で切れています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>is locked by a password</source>
   <translation>はパスワードで保護されています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>is missing</source>
   <translation>がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/codecs.py" />
   <source>is of {found}×{found2} pixels, {found3} samples</source>
   <translation>{found}×{found2}ピクセル、{found3}サンプルです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it asks for more than the {memory:.1f} GiB of memory that it may use</source>
   <translation>使ってよい{memory:.1f} GiBを超えるメモリを求めています</translation>
  </message>
  <message>
   <location filename="../../desktop/services/first_models.py" />
   <source>it could not be made ({name})</source>
   <translation>作成できませんでした({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>it could not be started: {value}</source>
   <translation>開始できませんでした: {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>it could not be taken from its old place ({reason})</source>
   <translation>元の場所から取り出せませんでした({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>it decodes to a blank picture</source>
   <translation>空白の画像に復号されます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>it failed ({filter})</source>
   <translation>失敗しました({filter})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>it failed ({name})</source>
   <translation>失敗しました({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it has no answer: it could not be read</source>
   <translation>回答がありません: 読めませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it has no file of its own to rename</source>
   <translation>名前を変える独自のファイルがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>it has no stored answers to compare with</source>
   <translation>比較する保存済みの回答がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>it has no weights</source>
   <translation>重みがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it has not been classified</source>
   <translation>分類されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is a link or no plain file</source>
   <translation>リンクか、通常のファイルではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>it is about medical pictures: its card says so</source>
   <translation>医療画像に関するもの: カードにそう記される</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is listed twice</source>
   <translation>一覧に2回あります</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is nested more than {most} deep</source>
   <translation>入れ子が{most}より深くなっています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>it is no number</source>
   <translation>数ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is not UTF-8 text</source>
   <translation>UTF-8のテキストではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is not the kind of picture that the model learned from</source>
   <translation>モデルが学習した種類の画像ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>it is not valid JSON{where}</source>
   <translation>有効なJSONではありません{where}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>it is there already, under that name</source>
   <translation>その名前ですでにそこにあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it needs more memory than it may use ({name})</source>
   <translation>使ってよい量を超えるメモリが必要です({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>it stopped answering</source>
   <translation>応答しなくなりました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>it takes {kinds} and gives {kinds2}; FLOAT32 or bytes expected</source>
   <translation>{kinds}を受け取り{kinds2}を出します。FLOAT32またはバイトが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>it took longer than {seconds:.0f} seconds</source>
   <translation>{seconds:.0f}秒を超えました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>it was cut off: its process is gone</source>
   <translation>中断されました: プロセスがなくなっています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its Keras network takes {shapes}, or does not give {outputs} scores</source>
   <translation>そのKerasネットワークは{shapes}を受け取るか、{outputs}個のスコアを出しません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its answers differ by {worst:.2g} from those of its own self-test</source>
   <translation>回答が自身の自己テストの回答と{worst:.2g}異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its answers differ by {worst:.2g}, at most {tolerance:.2g} expected</source>
   <translation>回答が{worst:.2g}異なります。最大{tolerance:.2g}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>its classes in the order of its outputs; 'imagenet'</source>
   <translation>クラス(出力の順)。'imagenet'も可</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>its colour profile is unusable, taken as sRGB</source>
   <translation>カラープロファイルが使えないためsRGBとみなしました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>its description of the era of Keras 2 cannot be built: {plain}</source>
   <translation>Keras 2時代の記述から組み立てられません: {plain}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its domain gate is for colour pictures; its network takes grey ones</source>
   <translation>ドメインゲートはカラー画像用ですが、ネットワークはグレーを受け取ります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its domain gate takes {count} features; its network gives {size}</source>
   <translation>ドメインゲートは特徴量{count}個を受け取りますが、ネットワークは{size}個を出します</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>its folder is called '{model_id}', its manifest '{id}'</source>
   <translation>フォルダー名は'{model_id}'ですが、マニフェストでは'{id}'です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>its id (default: list what is in the trash)</source>
   <translation>そのID(既定: ゴミ箱の中を列挙)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its input has no fixed size</source>
   <translation>入力の大きさが固定されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its input is {shape}; (batch, height, width, 1 or 3) expected: channels come last</source>
   <translation>入力は{shape}です。(batch, height, width, 1または3)が必要です: チャンネルは最後です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its input is {shape}; [batch, height, width, 1 or 3] expected</source>
   <translation>入力は{shape}です。[batch, height, width, 1または3]が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network does not give {outputs} scores, one a label</source>
   <translation>ネットワークが、ラベルごとに一つ、{outputs}個のスコアを出しません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network has {count} outputs, its description names others</source>
   <translation>ネットワークの出力は{count}個ですが、記述と異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its network takes {tuple}, its description differs</source>
   <translation>ネットワークは{tuple}を受け取りますが、記述と異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its output is {out}; (batch, classes) expected</source>
   <translation>出力は{out}です。(batch, classes)が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>its output is {out}; [batch, classes] expected</source>
   <translation>出力は{out}です。[batch, classes]が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its outputs are no probabilities: from {min:.3g} to {max:.3g}, sums from {min2:.3g} to {max2:.3g}</source>
   <translation>出力は確率ではありません: {min:.3g}から{max:.3g}、合計{min2:.3g}から{max2:.3g}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>its outputs were said to be raw values (logits), but its last layer is a {last}</source>
   <translation>出力は生の値(ロジット)と指定されましたが、最後の層は{last}です</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>its pictures have {width:.0f}×{height:.0f} pixels; expected at most {most} million</source>
   <translation>画像が{width:.0f}×{height:.0f}ピクセルです。最大{most}百万ピクセルのはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>its process ended with status {value}</source>
   <translation>そのプロセスがステータス{value}で終了しました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>its process ended: {last}</source>
   <translation>そのプロセスが終了しました: {last}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>its run is not on this computer: no model can be made of it here</source>
   <translation>その実行がこのコンピューターにないため、ここではモデルを作れません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>its score is below {least:g}</source>
   <translation>スコアが{least:g}未満です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>its self-test cannot be read</source>
   <translation>自己テストを読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its stored answers cannot be read</source>
   <translation>保存済みの回答を読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>its tensors would take far more memory than the file itself</source>
   <translation>テンソルがファイル自体よりはるかに多くのメモリを使います</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>its weights are not installed</source>
   <translation>重みがインストールされていません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>its {goal} is no number</source>
   <translation>その{goal}が数ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>keep exact copies together, do not look for near ones</source>
   <translation>完全なコピーだけをまとめ、近似コピーは探さない</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>keep the weights in 16 bits: half the size, scores differ by up to 0.01</source>
   <translation>重みを16ビットで保存する: 半分の大きさ、スコアの差は最大0.01</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>keeping the features of {count} pictures</source>
   <translation>画像{count}枚の特徴量の保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>keeping the prepared pictures</source>
   <translation>前処理した画像の保存</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>label pictures, with suggestions from what was labelled; make it a model</source>
   <translation>画像にラベルを付け、付けたものから提案を得て、モデルにする</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>label_smoothing and ema must be at least 0 and below 1</source>
   <translation>label_smoothingとemaは0以上1未満が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>labelled pictures: class folders, .npz, IDX or CIFAR batches</source>
   <translation>ラベル付き画像: クラス別フォルダー、.npz、IDX、CIFARバッチ</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_labels_file.py" />
   <source>labels of a labelling project</source>
   <translation>ラベル付けプロジェクトのラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>largest difference between the trained model and its exported form over {n} validation pictures: {gap:.1e}</source>
   <translation>検証画像{n}枚での、学習したモデルとエクスポートした形の最大の差: {gap:.1e}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>learn a head from its features</source>
   <translation>特徴量からヘッドを学習</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>leave a check out, for example 'training'</source>
   <translation>確認を一つ省く。例: 'training'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>leave a picture whose name is taken</source>
   <translation>名前がすでにある画像はそのままにする</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>leave answers with a lower score</source>
   <translation>これより低いスコアの回答は処理しない</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>left</source>
   <translation>未処理</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>left  {count:,}: {why}</source>
   <translation>未処理  {count:,}: {why}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>left  {name}: {why}</source>
   <translation>未処理  {name}: {why}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>left out</source>
   <translation>除外</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>letters drawn by the program</source>
   <translation>プログラムが描いた文字</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>limit {limit} found; expected a number of images, or 0 for all</source>
   <translation>limitが{limit}です。画像の枚数、またはすべてを表す0が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>limit {limit} found; expected at least one image of each of the {count} classes</source>
   <translation>limitが{limit}です。{count}クラスそれぞれに少なくとも1枚の画像が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/linear_heads.py" />
   <source>linear discriminant analysis (shrinkage {value:g})</source>
   <translation>線形判別分析(縮小{value:g})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>links back to the data itself, not read: {loops}</source>
   <translation>データ自身に戻るリンク(読みません): {loops}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>links to folders of other classes in {names}: {number:,} pictures there were left out</source>
   <translation>{names}にあるほかのクラスのフォルダーへのリンク: そこの画像{number:,}枚は除きました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>list the commands, or what one of them did</source>
   <translation>コマンドの一覧、またはその一つが行ったこと</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>list the parts that hold all words</source>
   <translation>すべての語を含む項目を列挙する</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>list, show, compare and delete trainings</source>
   <translation>学習の一覧、表示、比較、削除</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>list, verify, install, import, export, rename, delete models</source>
   <translation>モデルの一覧、検証、インストール、インポート、エクスポート、名前変更、削除</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>logarithmic colour</source>
   <translation>対数カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>logarithmic grey</source>
   <translation>対数グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>look at the pictures in colour or in grey</source>
   <translation>画像をカラーまたはグレーで見る</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>look for exact copies only, not for near ones</source>
   <translation>完全なコピーだけを探し、近似コピーは探さない</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>look through a folder of labelled pictures</source>
   <translation>ラベル付き画像のフォルダーを調べる</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>looking at the pictures</source>
   <translation>画像を見ています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>looking for people</source>
   <translation>人を探しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/job_steps.py" />
   <source>looking through the file</source>
   <translation>ファイルの調査</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>looking through the pictures, {stage}: {done:,}</source>
   <translation>画像を調べています、{stage}: {done:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>looking: {done:,} files …</source>
   <translation>調べています: {done:,}ファイル …</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>lossless JPEG</source>
   <translation>可逆JPEG</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>made for</source>
   <translation>用途</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>made grey</source>
   <translation>グレーに変換</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>make the models whose weights came with the installation; quick where they are there</source>
   <translation>重みがインストール時に付いてきたモデルを作る。すでにあればすぐ終わる</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>marks far from the largest stroke, or much fainter, were left out</source>
   <translation>最大の線から遠い印や、ずっと薄い印を除きました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>measure a model on a folder of labelled pictures</source>
   <translation>ラベル付き画像のフォルダーでモデルを測定する</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>measure on the data's test split instead of on validation</source>
   <translation>検証ではなくデータのテスト分割で測定する</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>members of the archive share their bytes, or lie outside of it</source>
   <translation>アーカイブの項目同士がバイトを共有しているか、アーカイブの外にあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>method only</source>
   <translation>方法のみ</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>metric {name} is not a number</source>
   <translation>指標{name}が数ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>mirror left and right</source>
   <translation>左右反転</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>mirror top and bottom</source>
   <translation>上下反転</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' cannot be loaded by LiteRT</source>
   <translation>モデル'{id}'をLiteRTで読み込めません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' gives {found}; expected {count} scores, one a label</source>
   <translation>モデル'{id}'の出力は{found}です。ラベルごとに一つ、{count}個のスコアが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model '{id}' has no file '{name}'</source>
   <translation>モデル'{id}'にファイル'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>model '{id}' has no output {place} for '{name}'</source>
   <translation>モデル'{id}'に'{name}'の出力{place}はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{id}' is damaged: '{name}' does not match its checksum</source>
   <translation>モデル'{id}'が破損しています: '{name}'がチェックサムと一致しません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{id}' is damaged: '{name}' is missing</source>
   <translation>モデル'{id}'が破損しています: '{name}'がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model '{id}' is damaged: '{name}' {word}</source>
   <translation>モデル'{id}'が破損しています: '{name}'{word}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>model '{id}' is damaged: {problem}</source>
   <translation>モデル'{id}'が破損しています: {problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is in the store: {count} classes</source>
   <translation>モデル'{id}'が保管されました: {count}クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is installed; Keras and LiteRT differ by {largest_difference:.1e} at most</source>
   <translation>モデル'{id}'をインストールしました。KerasとLiteRTの差は最大{largest_difference:.1e}です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>model '{id}' is ready</source>
   <translation>モデル'{id}'の準備ができました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' cannot be copied: {value}</source>
   <translation>モデル'{model_id}'をコピーできません: {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' comes with Fovea and is not changed</source>
   <translation>モデル'{model_id}'はFoveaに付属するもので、変更されません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' is damaged: {problem}</source>
   <translation>モデル'{model_id}'が破損しています: {problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>model '{model_id}' is not in the trash any more</source>
   <translation>モデル'{model_id}'はもうゴミ箱にありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model.json cannot be read</source>
   <translation>model.jsonを読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json has schema {get}; this Fovea reads {schema_version}</source>
   <translation>model.jsonのスキーマは{get}です。このFoveaが読むのは{schema_version}です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>model.json is missing</source>
   <translation>model.jsonがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'files' is not an object</source>
   <translation>model.json: 'files'がオブジェクトではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'medical' is neither true nor false</source>
   <translation>model.json: 'medical'がtrueでもfalseでもありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: 'outputs' is not an object of numbers</source>
   <translation>model.json: 'outputs'が数のオブジェクトではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' holds something that is no text</source>
   <translation>model.json: '{name}'にテキストでないものがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' is not a list</source>
   <translation>model.json: '{name}'がリストではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: '{name}' is not of type {name2}</source>
   <translation>model.json: '{name}'が{name2}型ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: fields unknown: {added} (in schema 1)</source>
   <translation>model.json: 不明なフィールド: {added}(スキーマ1)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: {error}</source>
   <translation>model.json: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>model.json: {problem}</source>
   <translation>model.json: {problem}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>momentum must be at least 0 and below 1, and weight_decay at least 0</source>
   <translation>momentumは0以上1未満、weight_decayは0以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>move</source>
   <translation>移動</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>move a model into the trash; it is kept there for 30 days</source>
   <translation>モデルをゴミ箱に移す。30日間残る</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>move runs into the trash, where they stay thirty days</source>
   <translation>実行をゴミ箱に移す。30日間残る</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>move the files instead of copying them</source>
   <translation>コピーせずにファイルを移動する</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>moved by answer</source>
   <translation>回答別に移動</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>moved into one folder</source>
   <translation>一つのフォルダーへ移動</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>n = {n}: too few for a figure</source>
   <translation>n = {n}: 少なすぎて数値を出せません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>names shown for each finding (default: 3)</source>
   <translation>確認結果ごとに表示する名前の数(既定: 3)</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture in several classes: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture in several classes: at least once</extracomment>
   <translation>
    <numerusform>ほぼ同じ画像が複数のクラスにあります: 少なくとも{count:,}件</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture in several classes: {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture in several classes: once</extracomment>
   <translation>
    <numerusform>ほぼ同じ画像が複数のクラスにあります: {count:,}件</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture more than once in a class: at least {count:,} spare</source>
   <translation>ほぼ同じ画像がクラス内に複数あります: 余分が少なくとも{count:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture more than once in a class: {count:,} spare</source>
   <translation>ほぼ同じ画像がクラス内に複数あります: 余分が{count:,}枚</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture on both sides of a split: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture on both sides of a split: at least once</extracomment>
   <translation>
    <numerusform>ほぼ同じ画像が分割の両側にあります: 少なくとも{count:,}件</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>nearly the same picture on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: nearly the same picture on both sides of a split: once</extracomment>
   <translation>
    <numerusform>ほぼ同じ画像が分割の両側にあります: {count:,}件</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>neither '{folder}' nor '{file}' was found</source>
   <translation>'{folder}'も'{file}'も見つかりませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>nesterov needs a momentum above 0</source>
   <translation>nesterovには0より大きいmomentumが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>never answered</source>
   <translation>一度も回答されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>new names instead, each in the folder where it is</source>
   <translation>代わりに新しい名前を、それぞれ今のフォルダーの中で</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>no answer</source>
   <translation>回答なし</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>no answer within {timeout_s:.0f} seconds</source>
   <translation>{timeout_s:.0f}秒以内に応答がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>no answer: {naming}: {clean}</source>
   <translation>回答なし: {naming}: {clean}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>no authority is known: downloads over https would be refused</source>
   <translation>認証局が一つもわかりません: https経由のダウンロードは拒否されます</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>no camera was named</source>
   <translation>カメラが指定されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>no checksum for the domain gate's file {file}</source>
   <translation>ドメインゲートのファイル{file}のチェックサムがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>no checksum for {needed}</source>
   <translation>{needed}のチェックサムがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>no class has this figure</source>
   <translation>この数値を持つクラスがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>no connection to {host}</source>
   <translation>{host}に接続できません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>no distances follow from the pictures' features: {error}</source>
   <translation>画像の特徴量から距離を求められません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>no domain gate: {trouble}</source>
   <translation>ドメインゲートなし: {trouble}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>no epoch left</source>
   <translation>残りのエポックなし</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>no epoch was finished before, so none could be kept</source>
   <translation>それまでに終わったエポックがないため、何も残せませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no figure on the test split: {why}</source>
   <translation>テスト分割での数値なし: {why}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>no files have been copied, moved or renamed</source>
   <translation>ファイルのコピー、移動、名前変更はまだありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>no folder was chosen</source>
   <translation>フォルダーが選ばれていません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>no image in this range</source>
   <translation>この範囲に画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>no image of another class</source>
   <translation>ほかのクラスの画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/metrics.py" />
   <source>no image of this class</source>
   <translation>このクラスの画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>no image of this class, and none was taken for it</source>
   <translation>このクラスの画像がなく、このクラスと回答されたものもありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>no image was answered</source>
   <translation>回答した画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>no image was answered by both</source>
   <translation>両方が回答した画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>no ink was found: the picture is blank</source>
   <translation>インクが見つかりません: 画像は白紙です</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>no label of this evaluation was judged</source>
   <translation>この評価で判断されたラベルはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>no negative image</source>
   <translation>陰性の画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>no pattern was found in the file names of '{title}'</source>
   <translation>'{title}'のファイル名にパターンは見つかりませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>no picture</source>
   <translation>画像なし</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_client.py" />
   <source>no picture came within {seconds:.0f} seconds</source>
   <translation>{seconds:.0f}秒以内に画像が届きませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>no picture of this project has a label yet</source>
   <translation>このプロジェクトにラベルのある画像はまだありません</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>no picture of {count:,} classes ({names}) opens</source>
   <extracomment>Where the count is one, English says: no picture of class {names} opens</extracomment>
   <translation>
    <numerusform>{count:,}クラス({names})には開ける画像がありません</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/teaching/accuracy.py" />
   <source>no picture that was drawn at random has a label</source>
   <translation>無作為に選ばれた画像にラベルがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>no picture was answered: {first}</source>
   <translation>回答した画像がありません: {first}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>no picture was written</source>
   <translation>画像が書き込まれませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>no pictures in the report</source>
   <translation>レポートに画像を入れない</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>no positive image</source>
   <translation>陽性の画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar.py" />
   <source>no process could be started to look at the pictures</source>
   <translation>画像を見るプロセスを開始できませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>no process could be started to open pictures: {reason}</source>
   <translation>画像を開くプロセスを開始できませんでした: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>no process could be started: {value}</source>
   <translation>プロセスを開始できませんでした: {value}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>no reason</source>
   <translation>理由なし</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>no runs yet; 'fovea train --data DATA --name NAME' begins one</source>
   <translation>まだ実行がありません。'fovea train --data DATA --name NAME'で始められます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no searches yet; 'fovea search --help' shows how to begin one</source>
   <translation>まだ探索がありません。始め方は'fovea search --help'でわかります</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>no such output</source>
   <translation>そのような出力はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>no such place</source>
   <translation>そのような場所はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>no table that names pictures was found in '{title}'</source>
   <translation>'{title}'に画像を挙げる表は見つかりませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>no threshold could be chosen: validation holds no picture of '{missing}'</source>
   <translation>しきい値を選べませんでした: 検証に'{missing}'の画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>no translation comes with this version; its words are English</source>
   <translation>このバージョンに翻訳は付属せず、表示は英語です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no trial has finished</source>
   <translation>終わった試行がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>no trial has finished yet</source>
   <translation>まだ終わった試行がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation>なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>none of {count:,} pictures can be read</source>
   <translation>画像{count:,}枚のどれも読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/walk.py" />
   <source>not a valid path</source>
   <translation>有効なパスではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not as delivered: {changed}</source>
   <translation>提供時のままではありません: {changed}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>not as it was saved: {changed}</source>
   <translation>保存時のままではありません: {changed}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>not compared</source>
   <translation>比較しません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>not done within {training_s:.0f} s</source>
   <translation>{training_s:.0f}秒以内に終わりませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not installed</source>
   <translation>未インストール</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>not known</source>
   <translation>不明</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>not known: {bounds}</source>
   <translation>不明: {bounds}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>not stated</source>
   <translation>記載なし</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>not sure</source>
   <translation>確かでない</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>not taken</source>
   <translation>なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>not the published file: its user vouched for it by its SHA-256</source>
   <translation>公開されたファイルではありません: ユーザーがSHA-256で保証しました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>not tried: the engine does not start</source>
   <translation>試していません: エンジンが起動しません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing gets this answer</source>
   <translation>この回答になるものがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>nothing has been looked at yet</source>
   <translation>まだ何も見ていません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/help.py" />
   <source>nothing in the help holds '{words}'</source>
   <translation>ヘルプに'{words}'を含むものはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/fitness.py" />
   <source>nothing is left to check with: each class has a single picture</source>
   <translation>検証するものが残りません: どのクラスも画像が1枚だけです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/fitness.py" />
   <source>nothing is left to check with: the pictures of each class belong together (one person's, copies, or frames of one video)</source>
   <translation>検証するものが残りません: 各クラスの画像がひとまとまりです(同じ人、コピー、または一つの動画のフレーム)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>nothing odd was found</source>
   <translation>問題は見つかりませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>nothing to do</source>
   <translation>することがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing was called negative</source>
   <translation>陰性とされたものがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>nothing was called positive</source>
   <translation>陽性とされたものがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_journal.py" />
   <source>nothing was moved: what is to be done could not be written down ({reason})</source>
   <translation>何も移動しませんでした: 行うことを記録できませんでした({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>nothing was said</source>
   <translation>出力がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>nothing was said about it</source>
   <translation>それについての説明はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>numbers of pictures to learn from</source>
   <translation>学習用の画像の数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>numbers to try</source>
   <translation>試す数</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>of how many is not known</source>
   <translation>何枚中かは不明</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>of the folders there only '{name}' holds pictures: the classes are those in it</source>
   <translation>そこにあるフォルダーのうち画像があるのは'{name}'だけです: その中がクラスになります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>of the pictures of a study: name their files, too</source>
   <translation>検査の画像について: ファイル名も示す</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>of the splits {listing} the split '{name}' was read</source>
   <translation>分割{listing}のうち'{name}'を読みました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>on the validation split</source>
   <translation>検証分割で</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>on {perturbed} copies of the validation split, augmented as in training</source>
   <translation>検証分割の{perturbed}個のコピー(学習時と同様に拡張)で</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>one JSON list</source>
   <translation>一つのJSONリスト</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>one JSON object</source>
   <translation>一つのJSONオブジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>one JSON object a line</source>
   <translation>1行に一つのJSONオブジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>one JSON object instead of text</source>
   <translation>テキストの代わりに一つのJSONオブジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>one epoch in a child; exported, verified and asked: {count} scores</source>
   <translation>子プロセスで1エポック。エクスポート、検証、回答を確認: スコア{count}個</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>one frame</source>
   <translation>1フレーム</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>one group</source>
   <translation>1グループ</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/calibration.py" />
   <source>one image allows no interval</source>
   <translation>画像1枚では区間を出せません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>one letter or digit is expected as a class's key</source>
   <translation>クラスのキーには文字または数字1個が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>one model (default: all)</source>
   <translation>一つのモデル(既定: すべて)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>one of its '{name}'</source>
   <translation>'{name}'の一つ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>one of {choices}</source>
   <translation>{choices}のいずれか</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>one person allows no interval</source>
   <translation>1人では区間を出せません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>one picture is</source>
   <translation>画像1枚を</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>one picture would need {value:,} bytes of memory</source>
   <translation>1枚の画像に{value:,}バイトのメモリが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>one row for every picture</source>
   <translation>画像ごとに1行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>one run: its state, figures and settings</source>
   <translation>一つの実行: 状態、数値、設定</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>only addresses that begin with https:// or http:// are fetched</source>
   <translation>取得できるのはhttps://またはhttp://で始まるアドレスだけです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>only runs in this state (done, stopped, interrupted …)</source>
   <translation>この状態の実行だけ(done、stopped、interrupted …)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>opening pictures</source>
   <translation>画像を開いています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>other pictures, or these have changed since</source>
   <translation>別の画像、またはその後に変わった画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>other settings</source>
   <translation>別の設定</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>outputs name no 'probabilities'</source>
   <translation>outputsに'probabilities'がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>padded to {target}, nothing cut off</source>
   <translation>{target}まで余白を付け、切り落としはなし</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>page {frame} of {frames}</source>
   <translation>ページ{frame} / {frames}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>parallel coordinates, as PNG or HTML by the suffix</source>
   <translation>平行座標図。拡張子によりPNGまたはHTML</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>passed over, for they are no pictures: {listing}</source>
   <translation>画像でないため飛ばしました: {listing}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>patience, swa, l1 and l2 must be at least 0</source>
   <translation>patience、swa、l1、l2は0以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>paused</source>
   <translation>一時停止中</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>people or cases with pictures on both sides of a split: {count:,}</source>
   <translation>分割の両側に画像がある人または件: {count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>perturbed {perturbed} found; expected 0 to 20 copies</source>
   <translation>perturbedが{perturbed}です。0から20個のコピーが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>photos of cats and dogs</source>
   <translation>猫と犬の写真</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>picture {name}</source>
   <translation>画像{name}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>pictures and folders of pictures</source>
   <translation>画像と、画像のフォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>pictures have other content than when this run began, under the same names: the data's fingerprint is {fingerprint}, {fingerprint2} was expected</source>
   <translation>同じ名前のまま、この実行を始めたときと画像の内容が変わっています: データのフィンガープリントは{fingerprint}で、{fingerprint2}のはずでした</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>pictures in column '{name}'</source>
   <translation>列'{name}'の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>pictures of less than {tiny} pixels a side: {count:,}</source>
   <translation>一辺が{tiny}ピクセル未満の画像: {count:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>pictures of yours to compare answers on (default: two photographs of scikit-learn)</source>
   <translation>回答の比較に使う自分の画像(既定: scikit-learnの写真2枚)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>pictures that do not open: {count:,} ({listing}); they are left out</source>
   <translation>開けない画像: {count:,}枚({listing})。除かれます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>pictures to open</source>
   <translation>開く画像</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>pictures without a folder for each class were found</source>
   <translation>クラスごとのフォルダーがない画像が見つかりました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>pixels (default: 1280x720)</source>
   <translation>ピクセル(既定: 1280x720)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>plain bars at the edges</source>
   <translation>端に単色の帯</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>plan.{name}: fields unknown in schema 1: {stray}</source>
   <translation>plan.{name}: スキーマ1で不明なフィールド: {stray}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>plan: fields unknown in schema 1: start, preset</source>
   <translation>plan: スキーマ1で不明なフィールド: start、preset</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>precision</source>
   <translation>適合率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB</source>
   <translation>前処理済み画像と展開したアーカイブ: {taken:.2f} GB(最大{most:.0f} GB)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB; {removed:.2f} GB were removed</source>
   <translation>前処理済み画像と展開したアーカイブ: {taken:.2f} GB(最大{most:.0f} GB)。{removed:.2f} GBを削除しました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>preparing pictures</source>
   <translation>画像を準備中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>print class, method and map as one JSON object</source>
   <translation>クラス、方法、マップを一つのJSONオブジェクトで出力</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>printed as pictures only</source>
   <translation>図としてのみ掲載</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>pydicom brings no test file of this transfer syntax</source>
   <translation>pydicomにこの転送構文のテストファイルがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>rate must be above 0 and warmup a fraction below 1</source>
   <translation>rateは0より大きく、warmupは1未満の割合が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/limits.py" />
   <source>read at 1/{factor} of {width}×{height}, for it is very large</source>
   <translation>非常に大きいため、{width}×{height}を1/{factor}で読みました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/recognise.py" />
   <source>read by the layout '{layout}'</source>
   <translation>レイアウト'{layout}'で読みました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>read the help: its topics, one of them, or where words stand</source>
   <translation>ヘルプを読む: トピックの一覧、その一つ、または語のある場所</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>reading names</source>
   <translation>名前を読んでいます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>reading the headers of DICOM files: {done:,} of {total:,} …</source>
   <translation>DICOMファイルのヘッダーを読んでいます: {done:,} / {total:,} …</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>recall</source>
   <translation>再現率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>remove them all</source>
   <translation>すべて削除する</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>rename</source>
   <translation>名前変更</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>renamed</source>
   <translation>名前を変更</translation>
  </message>
  <message>
   <location filename="../../desktop/app/exports.py" />
   <source>report format</source>
   <translation>レポート形式</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>residual-cnn, fast-cnn, the net of a preset, or layers such as C32k3s,P2,flatten,D128</source>
   <translation>residual-cnn、fast-cnn、プリセットのネットワーク、またはC32k3s,P2,flatten,D128のような層</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>results</source>
   <translation>結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>resumed after epoch {epoch}{within}</source>
   <translation>エポック{epoch}{within}のあとから再開</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>right among them (%)</source>
   <translation>うち正解(%)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>rotate, shift, shear, zoom</source>
   <translation>回転、移動、せん断、拡大縮小</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_rows.py" />
   <source>rows of this project are missing</source>
   <translation>このプロジェクトの行が欠けています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>run {name}: {name2}</source>
   <translation>実行{name}: {name2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>saturation and colour cast</source>
   <translation>彩度と色かぶり</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>say what is in a folder and what is wrong with it</source>
   <translation>フォルダーに何があり、何が問題かを示す</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>say what to train: --data DATA, --preset ID or --plan FILE</source>
   <translation>学習させるものを指定してください: --data DATA、--preset ID、--plan FILE のどれか</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>say what to train: --data DATA, --preset ID, --plan FILE or --resume RUN</source>
   <translation>学習させるものを指定してください: --data DATA、--preset ID、--plan FILE、--resume RUN のどれか</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>say what would be done, and do nothing</source>
   <translation>行われることを示すだけで、何もしない</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that it covers {size} and cut its middle out</source>
   <translation>{size}を覆うように拡縮し、中央を切り抜く</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that it fits into {size} and fill the rest with {pad_value}</source>
   <translation>{size}に収まるように拡縮し、残りを{pad_value}で埋める</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>scale it so that its shorter side has {resize_shorter} pixels and cut the middle {size} out</source>
   <translation>短い辺が{resize_shorter}ピクセルになるように拡縮し、中央の{size}を切り抜く</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>schema {schema} found, {schema2} expected; a newer Fovea may read it</source>
   <translation>スキーマが{schema}です。{schema2}のはずです。新しいFoveaなら読めるかもしれません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>schema {schema} found, {schema_version} expected; a newer Fovea may read it</source>
   <translation>スキーマが{schema}です。{schema_version}のはずです。新しいFoveaなら読めるかもしれません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>scores are called {scores}; expected 'probability' or 'model score'</source>
   <translation>スコアの呼び名が{scores}です。'probability'または'model score'のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>see how accuracy grows with the number of pictures</source>
   <translation>画像の数とともに正解率がどう伸びるかを見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>seed {seed} found; expected a whole number from 0 to {seeds}</source>
   <translation>seedが{seed}です。0から{seeds}の整数が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>sensitivity and specificity alike</source>
   <translation>感度と特異度が等しい値</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>sensitivity for '{label}'</source>
   <translation>'{label}'の感度</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>set aside: '{rsplit}' ({reason})</source>
   <translation>除外: '{rsplit}'({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>set aside: {count} pictures that cannot be read</source>
   <translation>除外: 読めない画像{count}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>settings</source>
   <translation>設定</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>share right</source>
   <extracomment>Axis of a plot: share of right answers.</extracomment>
   <translation>正解の割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>shift by whole pixels</source>
   <translation>ピクセル単位で移動</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>show a search instead of running one</source>
   <translation>実行する代わりに探索を表示する</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>show all file names: a medical model's, and those that read like a person's, become numbers otherwise</source>
   <translation>すべてのファイル名を表示する。指定しないと、医療用モデルのもの、人名のように読めるものは番号になる</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>show so many (default: 20)</source>
   <translation>表示する数(既定: 20)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>show the named systems and end</source>
   <translation>名前の付いたシステムを表示して終了する</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>shown through the lookup table of the file</source>
   <translation>ファイルのルックアップテーブルで表示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>so many (default: as many as suit)</source>
   <translation>数(既定: 適した数だけ)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>so many trials in all, chosen by TPE</source>
   <translation>全部でこの数の試行、TPEが選ぶ</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>softer and sharper</source>
   <translation>ぼかしと鮮鋭化</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/linear_heads.py" />
   <source>softmax regression (C = {value:g})</source>
   <translation>ソフトマックス回帰(C = {value:g})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>something does not hold</source>
   <translation>正常でないものがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>something of '{node}'</source>
   <translation>'{node}'の何か</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>split '{split}' holds no picture of {count:,} classes: {names}</source>
   <extracomment>Where the count is one, English says: split '{split}' holds no picture of class {names}</extracomment>
   <translation>
    <numerusform>分割'{split}'には{count:,}クラスの画像がありません: {names}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>state {state} is unknown</source>
   <translation>状態{state}は不明です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>stopped</source>
   <translation>停止しました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>stopped after {count} epochs; the checkpoint is kept</source>
   <translation>{count}エポックのあと停止しました。チェックポイントは残っています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>stopped at once; the last checkpoint stays</source>
   <translation>すぐに停止しました。最後のチェックポイントは残ります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>stopped at your wish</source>
   <translation>ご希望により停止しました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopped before the first answer: nothing is kept, no file was written</source>
   <translation>最初の回答の前に停止: 何も保存されず、ファイルも書き込まれていません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>stopped early: no better epoch since epoch {number}</source>
   <translation>早期終了: エポック{number}以降、より良いエポックなし</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopped early: {right:,} of the {count:,} answered pictures are right, about the same share of every class was seen; kept as incomplete (Evaluate in the window opens it), no file was written</source>
   <translation>途中で停止: 回答した画像{count:,}枚中{right:,}枚が正解、各クラスからほぼ同じ割合を見ました。未完了として保存(ウィンドウの「評価」で開けます)、ファイルは書き込まれていません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>stopped; the checkpoint is kept</source>
   <translation>停止しました。チェックポイントは残っています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>stopped; the same command goes on</source>
   <translation>停止しました。同じコマンドで続きます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>stopping after this batch; Ctrl-C again stops now</source>
   <translation>このバッチのあと停止します。もう一度Ctrl-Cですぐに停止します</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>stopping after this file …</source>
   <translation>このファイルのあと停止します …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>stopping after this file; what was done can be undone …</source>
   <translation>このファイルのあと停止します。行ったことは元に戻せます …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>stopping; nothing is left behind</source>
   <translation>停止しています。途中のものは残りません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>stopping; nothing is taken over</source>
   <translation>停止しています。何も取り込まれません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_projects.py" />
   <source>stopping; what was added stays</source>
   <translation>停止しています。追加したものは残ります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>stopping; what was answered by now is kept; Ctrl-C again stops at once and keeps nothing</source>
   <translation>停止しています。これまでの回答は保存されます。もう一度Ctrl-Cを押すとすぐに停止し、何も保存しません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>stored with white as zero, inverted</source>
   <translation>白を0として保存、反転</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/preparing_facts.py" />
   <source>stretch it to {size}, whatever its shape</source>
   <translation>形によらず{size}に引き伸ばす</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>stretched from {width}×{height} to {target}</source>
   <translation>{width}×{height}から{target}へ引き伸ばし</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>study {study}, series {number}</source>
   <translation>検査{study}、シリーズ{number}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>subsampled YCbCr colour of this kind</source>
   <translation>この種の間引きYCbCrカラー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>suggestions of one class alone</source>
   <translation>一つのクラスの提案だけ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>take a deleted model back</source>
   <translation>削除したモデルを戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>take a run out of the trash</source>
   <translation>実行をゴミ箱から戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>take back the last command, or that one</source>
   <translation>最後のコマンド、または指定したものを取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>take the kept result where the same model saw the same data before</source>
   <translation>以前に同じモデルが同じデータを見ていれば、保存した結果を使う</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>take those of another kind, and the unsure ones, along</source>
   <translation>種類の違うもの、確かでないものも含める</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>take up a run: its id, its folder, or 'last'</source>
   <translation>実行を再開する: そのID、フォルダー、または'last'</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>taken back</source>
   <translation>取り消し済み</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>task {task} found, 'classification' expected</source>
   <translation>タスクが{task}です。'classification'のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>teach: the project (default: the list of them)</source>
   <translation>教える: プロジェクト(既定: その一覧)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>teach: what is shown next (default: all)</source>
   <translation>教える: 次に表示するもの(既定: すべて)</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_messages.py" />
   <source>that is not the address of a camera</source>
   <translation>それはカメラのアドレスではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the HDF5 file is damaged or cut off</source>
   <translation>HDF5ファイルが破損しているか、途中で切れています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the ImageNet networks that can be installed</source>
   <translation>インストールできるImageNetのネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the LiteRT file is damaged or cut off</source>
   <translation>LiteRTファイルが破損しているか、途中で切れています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the LiteRT file is damaged or of an unknown version</source>
   <translation>LiteRTファイルが破損しているか、不明なバージョンです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' is damaged</source>
   <translation>Parquetファイル'{name}'は破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' is damaged or cut off</source>
   <translation>Parquetファイル'{name}'は破損しているか、途中で切れています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' needs too much memory</source>
   <translation>Parquetファイル'{name}'には多すぎるメモリが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the Parquet file '{name}' took too long</source>
   <translation>Parquetファイル'{name}'に時間がかかりすぎました</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the address cannot be reached ({lower})</source>
   <translation>アドレスに接続できません({lower})</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the answer sets' coverage and sizes do not go with their error rates</source>
   <translation>候補の回答の組の被覆率と大きさが誤り率と合いません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the answer sets' error rates are not fractions in rising order</source>
   <translation>候補の回答の組の誤り率が、昇順の割合になっていません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the architecture 'head' goes with the starts 'features' and 'fine-tune', and with no other</source>
   <translation>アーキテクチャ'head'は、開始'features'と'fine-tune'とだけ一緒に使えます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' holds a name that leads out of it</source>
   <translation>アーカイブ'{name}'に、その外へ出る名前があります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' holds one name twice</source>
   <translation>アーカイブ'{name}'に同じ名前が二つあります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the archive '{name}' {what}</source>
   <translation>アーカイブ'{name}'{what}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive describes '{name}' without its weights</source>
   <translation>アーカイブに'{name}'の記述はありますが、重みがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the archive has no '{missing}': it is no .keras file of Keras 3</source>
   <translation>アーカイブに'{missing}'がありません: Keras 3の.kerasファイルではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive has no '{name}'</source>
   <translation>アーカイブに'{name}'がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive has {count:,} members; at most {most_members:,} expected</source>
   <translation>アーカイブに項目が{count:,}個あります。最大{most_members:,}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive holds '{extra}', which its description does not name</source>
   <translation>アーカイブに、記述にない'{extra}'があります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds '{name}' twice</source>
   <translation>アーカイブに'{name}'が二つあります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds a link ('{name}')</source>
   <translation>アーカイブにリンクがあります('{name}')</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive holds a member that leads out of it ({name})</source>
   <translation>アーカイブに、その外へ出る項目があります({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the archive holds {count} model descriptions (model.json), one expected</source>
   <translation>アーカイブにモデルの記述(model.json)が{count}個あります。1個のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive is encrypted</source>
   <translation>アーカイブが暗号化されています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive is packed in a way that is not used here</source>
   <translation>アーカイブの圧縮方式はここでは使われません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the archive would unpack to {total:,} bytes; at most {most:,} expected</source>
   <translation>アーカイブは{total:,}バイトに展開されます。最大{most:,}バイトです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the best of several looks better than it is: --test measures it on other pictures</source>
   <translation>複数のうち最良のものは実際より良く見えます: --test で別の画像により測定できます</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>the camera stopped with a fault ({fault})</source>
   <translation>カメラが異常で停止しました({fault})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/works_here.py" />
   <source>the card</source>
   <translation>カード</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>the card of one model: what it is for, how good it is, its limits</source>
   <translation>モデルのカード: 用途、良さ、限界</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the certificate of {host} is not trusted here: {verify_message}</source>
   <translation>{host}の証明書はここでは信頼されていません: {verify_message}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>the change</source>
   <translation>変更</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>the checkpoint '{name}' is damaged</source>
   <translation>チェックポイント'{name}'が破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint belongs to another training plan</source>
   <translation>チェックポイントは別の学習計画のものです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint could not be written: {strerror}</source>
   <translation>チェックポイントを書き込めませんでした: {strerror}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint does not fit this network</source>
   <translation>チェックポイントがこのネットワークと合いません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the checkpoint does not fit this optimizer</source>
   <translation>チェックポイントがこのオプティマイザと合いません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the checksum beside the file is none</source>
   <translation>ファイルの隣のチェックサムがチェックサムになっていません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the chosen threshold</source>
   <translation>選んだしきい値</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the class folders of '{title}' ({most}) hold no pictures</source>
   <translation>'{title}'のクラス別フォルダー({most})に画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the class with the highest score</source>
   <translation>スコアが最も高いクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>the classifying layer needs 'flatten', 'gap' or 'gmp' before it</source>
   <translation>分類する層の前に'flatten'、'gap'、'gmp'のいずれかが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the connection to {host} ended after {done:,} of {total:,} bytes</source>
   <translation>{host}との接続が、{total:,}バイト中{done:,}バイトで切れました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/convert.py" />
   <source>the conversion to LiteRT failed: it wrote nothing</source>
   <translation>LiteRTへの変換に失敗しました: 何も書き込まれませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/convert.py" />
   <source>the conversion to LiteRT failed: {message}</source>
   <translation>LiteRTへの変換に失敗しました: {message}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the converted file differs from the network by {gap:.1e}; at most {limit:.0e} expected</source>
   <translation>変換したファイルとネットワークの差が{gap:.1e}です。最大{limit:.0e}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the converted file's outputs have other names than the model's</source>
   <translation>変換したファイルの出力の名前がモデルのものと異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>the curves, as PNG or HTML by the suffix</source>
   <translation>曲線。拡張子によりPNGまたはHTML</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>the data has no class '{name}'</source>
   <translation>データにクラス'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the data has none</source>
   <translation>データにありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the data name more than {most_classes:,} classes</source>
   <translation>データが挙げるクラスは{most_classes:,}個を超えています</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the data was found {count} folders deeper, in '{inner}'</source>
   <extracomment>Where the count is one, English says: the data was found one folder deeper, in '{inner}'</extracomment>
   <translation>
    <numerusform>データは{count}階層深い'{inner}'で見つかりました</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the decision '{rule}' goes with two labels and a positive class of 0 or 1</source>
   <translation>判定'{rule}'には、二つのラベルと0または1の陽性クラスが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the disk cannot be asked for its room: {reason}</source>
   <translation>ディスクの空きを調べられません: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>the disk of '{name}'</source>
   <translation>'{name}'のディスク</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>the disk of Fovea's cache</source>
   <translation>Foveaのキャッシュのディスク</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the disk of Fovea's cache filled up while '{name}' was unpacked</source>
   <translation>'{name}'の展開中にFoveaのキャッシュのディスクがいっぱいになりました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/unpack.py" />
   <source>the disk of Fovea's cache has no room to unpack '{name}'</source>
   <translation>Foveaのキャッシュのディスクに'{name}'を展開する空きがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/parquet.py" />
   <source>the disk of Fovea's cache has no room to write out '{name}'</source>
   <translation>Foveaのキャッシュのディスクに'{name}'を書き出す空きがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>the disk of Fovea's own data</source>
   <translation>Fovea自身のデータのディスク</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the domain gate of model '{id}' is for colour; it takes grey</source>
   <translation>モデル'{id}'のドメインゲートはカラー用ですが、モデルはグレーを受け取ります</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the domain gate of model '{id}' takes {count} features; its network gives {size}</source>
   <translation>モデル'{id}'のドメインゲートは特徴量{count}個を受け取りますが、ネットワークは{size}個を出します</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>the domain gate's figures are no numbers in their range</source>
   <translation>ドメインゲートの数値が範囲内の数ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>the drawing stays: {reason_of}</source>
   <translation>描画は残ります: {reason_of}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/drawings.py" />
   <source>the drawing was not kept: {reason_of}</source>
   <translation>描画は保存されませんでした: {reason_of}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the engine</source>
   <translation>エンジン</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine did not answer within {start_s:.0f} seconds</source>
   <translation>エンジンが{start_s:.0f}秒以内に応答しませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/answers.py" />
   <source>the engine ended its work without an answer for this picture</source>
   <translation>エンジンがこの画像に回答せずに終了しました</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>the engine ended {blamed_after} times while working on this ({reason})</source>
   <translation>この作業中にエンジンが{blamed_after}回終了しました({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process answers differently</source>
   <translation>エンジンのプロセスの回答が異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/client.py" />
   <source>the engine process does not start</source>
   <translation>エンジンのプロセスが始まりません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process ended: {reason}</source>
   <translation>エンジンのプロセスが終了しました: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the engine process was not ready within {start_s:.0f} seconds</source>
   <translation>エンジンのプロセスが{start_s:.0f}秒以内に準備できませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the evaluation</source>
   <translation>評価</translation>
  </message>
  <message>
   <location filename="../../desktop/services/evaluation.py" />
   <source>the evaluation failed: {name}: {error}</source>
   <translation>評価に失敗しました: {name}: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>the evaluation was stopped</source>
   <translation>評価は停止されました</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>the evaluation was stopped before a picture was answered</source>
   <translation>1枚も回答しないうちに評価が停止されました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/events.py" />
   <source>the event '{values}' lacks a field or has a strange one</source>
   <translation>イベント'{values}'にフィールドが欠けているか、おかしなものがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the export</source>
   <translation>エクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the export was cancelled</source>
   <translation>エクスポートはキャンセルされました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the exported file</source>
   <translation>エクスポートしたファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the exported file differs from the model by {facts:.1e} in a score; {limit:.0e} at most expected</source>
   <translation>エクスポートしたファイルとモデルのスコアの差が{facts:.1e}です。最大{limit:.0e}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the exported file gives no usable numbers (NaN or infinity)</source>
   <translation>エクスポートしたファイルが使える数を出しません(NaNまたは無限大)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the exported file gives {shape}, the model {shape2}</source>
   <translation>エクスポートしたファイルの出力は{shape}、モデルの出力は{shape2}です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/features.py" />
   <source>the features could not be written: {reason}</source>
   <translation>特徴量を書き込めませんでした: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the file</source>
   <translation>ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>the file cannot be read</source>
   <translation>ファイルを読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file carries code ('{error}'); it was not run</source>
   <translation>ファイルがコードを含んでいます('{error}')。実行しませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file declares {declared:,} bytes of data and has {size:,}; at most {most:,} are opened</source>
   <translation>ファイルは{declared:,}バイトのデータを宣言していますが、{size:,}バイトです。開けるのは最大{most:,}バイトです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the file describes no Functional or Sequential network</source>
   <translation>ファイルがFunctionalまたはSequentialのネットワークを記述していません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the file does not agree with its checksum: it was changed or cut off</source>
   <translation>ファイルがチェックサムと一致しません: 変更されたか途中で切れています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the file does not say everything, and nothing is guessed:</source>
   <translation>ファイルに書かれていないことがあり、推測はしません:</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the file does not say everything: {values}</source>
   <translation>ファイルに書かれていないことがあります: {values}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install_steps.py" />
   <source>the file has changed while it was read: SHA-256 {found} found, {sha256} expected</source>
   <translation>読んでいる間にファイルが変わりました: SHA-256は{found}で、{sha256}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file has more than {most_objects:,} entries</source>
   <translation>ファイルの項目が{most_objects:,}個を超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file has {count:.1f} GB; at most 1.1 GB are opened</source>
   <translation>ファイルは{count:.1f} GBです。開けるのは最大1.1 GBです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the file has {size:,} bytes; at most {most_bytes:,} expected</source>
   <translation>ファイルは{size:,}バイトです。最大{most_bytes:,}バイトです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds data of a kind that weights do not have ({dtype})</source>
   <translation>重みにはない種類のデータがあります({dtype})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds links in place of data</source>
   <translation>データの代わりにリンクがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file holds something that is neither a group nor data</source>
   <translation>グループでもデータでもないものがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the file holds weights alone, not the network that they belong to</source>
   <translation>ファイルには重みだけがあり、それが属するネットワークがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>the file is damaged or cut off: it is no whole ZIP archive</source>
   <translation>ファイルが破損しているか途中で切れています: 完全なZIPアーカイブではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the file is damaged, cut off or empty</source>
   <translation>ファイルが破損しているか、途中で切れているか、空です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the file is damaged: its network cannot be read or does not run</source>
   <translation>ファイルが破損しています: ネットワークを読めないか、動きません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the file is far too large for an update file</source>
   <translation>更新ファイルにしては大きすぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file is packed by a filter that is not used here ({compression})</source>
   <translation>ここでは使わないフィルターで圧縮されています({compression})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file keeps its data in other files</source>
   <translation>ファイルのデータが別のファイルにあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the file keeps weights after its end, which is not read here</source>
   <translation>ファイルの末尾より後に重みがあり、ここでは読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file links to another file instead of holding its data</source>
   <translation>データを持つ代わりに別のファイルへリンクしています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>the file lists far more than a network's weights</source>
   <translation>ファイルに、ネットワークの重みよりはるかに多くのものが並んでいます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>the file names look like '{best}', which would give the classes</source>
   <translation>ファイル名は'{best}'の形に見え、次のクラスになります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>the file of stars and notes is damaged</source>
   <translation>星とメモのファイルが破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install_steps.py" />
   <source>the file of weights is far larger than a network's</source>
   <translation>重みのファイルが、ネットワークのものにしては大きすぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>the file to write</source>
   <translation>書き込むファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/jpeg_file.py" />
   <source>the file's end mark is missing, nothing of the picture is</source>
   <translation>ファイルの終わりの印がありませんが、画像に欠けはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's groups are nested deeper than {deepest} levels</source>
   <translation>ファイルのグループの入れ子が{deepest}階層を超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's groups are nested too deeply</source>
   <translation>ファイルのグループの入れ子が深すぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>the file's notes are larger than any that weights need</source>
   <translation>ファイルの注記が、重みに必要な大きさを超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>the first</source>
   <translation>最初の1個</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>the first {colours}</source>
   <translation>最初の{colours}個</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the folder '{name}' holds a run already</source>
   <translation>フォルダー'{name}'にはすでに実行があります</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the folder '{name}' may not be written to</source>
   <translation>フォルダー'{name}'に書き込めません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the folder for '{name}' is not there</source>
   <translation>'{name}'のフォルダーがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>the folder holds no picture that can be opened</source>
   <translation>フォルダーに開ける画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/demo.py" />
   <source>the folder of --out cannot be made: {lower}</source>
   <translation>--out のフォルダーを作れません: {lower}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the folder of --out does not exist</source>
   <translation>--out のフォルダーがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/prepare.py" />
   <source>the folder of models cannot be written to ({lower})</source>
   <translation>モデルのフォルダーに書き込めません({lower})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_model.py" />
   <source>the folder to write into does not exist</source>
   <translation>書き込み先のフォルダーがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>the folders {others} hold folders of the same names ({first}): perhaps those are the classes, or splits, or masks beside the pictures. Make them the upper folders, or leave one kind out; if all they hold belongs to the upper folder's class, confirm it with the layout 'folders'</source>
   <translation>フォルダー{others}に同じ名前のフォルダー({first})があります: それらがクラス、分割、または画像に対するマスクかもしれません。それらを上のフォルダーにするか、一方を除いてください。中身がすべて上のフォルダーのクラスに属するなら、レイアウト'folders'で確定してください</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/result.py" />
   <source>the gate was asked of no picture</source>
   <translation>どの画像もゲートで確認されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>the help has no topic '{topic}'</source>
   <translation>ヘルプにトピック'{topic}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest score decides: a threshold chosen {how} gains no more {what} than chance may ({value:+.1f} percentage points, 95 % interval {value2:+.1f} to {value3:+.1f}, cross-validated)</source>
   <translation>最高スコアで判定します: {how}選んだしきい値の{what}の増分は、偶然の範囲を超えません({value:+.1f}ポイント、95 %区間{value2:+.1f}から{value3:+.1f}、交差検証)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest score decides: validation has {positives} and {negatives} pictures or persons of the two classes, and {fewest} of each are needed to choose a threshold</source>
   <translation>最高スコアで判定します: 検証には二つのクラスの画像または人が{positives}と{negatives}ありますが、しきい値を選ぶにはそれぞれ{fewest}必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the highest threshold with a sensitivity of at least {at_least:.0%}</source>
   <translation>感度{at_least:.0%}以上となる最も高いしきい値</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the import was cancelled</source>
   <translation>インポートはキャンセルされました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>the ink was cropped, scaled into {box}×{box} and centred by mass</source>
   <translation>インクを切り抜き、{box}×{box}に拡縮し、重心を中央にしました</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspecting.py" />
   <source>the inspection ended without a result (exit status {patience_s})</source>
   <translation>検査が結果なしで終了しました(終了ステータス{patience_s})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>the inspection failed unexpectedly ({name})</source>
   <translation>検査が予期せず失敗しました({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/inspector.py" />
   <source>the inspection was cancelled</source>
   <translation>検査はキャンセルされました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>the label '{label}' is there twice</source>
   <translation>ラベル'{label}'が2回あります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>the label with the highest score</source>
   <translation>スコアが最も高いラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>the labels</source>
   <translation>ラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>the labels in '{name}' cannot be read</source>
   <translation>'{name}'のラベルを読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>the labels of '{name}' are not beside it</source>
   <translation>'{name}'のラベルがその隣にありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the last good epoch was kept</source>
   <translation>最後の良いエポックを残しました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layer '{word}' has a number that is 0 or far too large</source>
   <translation>層'{word}'の数が0か、大きすぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layer '{word}' is not understood</source>
   <translation>層'{word}'を解釈できません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>the layers are not a list of words</source>
   <translation>層が語の一覧になっていません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>the learning has ended</source>
   <translation>学習が終了しました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>the library that reads it crashed; it may have asked for more than the {memory:.1f} GiB of memory that it may use</source>
   <translation>それを読むライブラリが異常終了しました。使ってよい{memory:.1f} GiBを超えるメモリを求めたのかもしれません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the licence of that, for its card</source>
   <translation>そのライセンス、カード用</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of installed files</source>
   <translation>インストールしたファイルの一覧</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of networks that can be installed is damaged</source>
   <translation>インストールできるネットワークの一覧が破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>the list of pictures</source>
   <translation>画像の一覧</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>the list of the 1,000 classes is damaged</source>
   <translation>1,000クラスの一覧が破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/services/last_session.py" />
   <source>the list of the last session</source>
   <translation>前回のセッションの一覧</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>the log could not be written ({reason})</source>
   <translation>記録を書き込めませんでした({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>the lowest threshold there is, with a sensitivity of {reached:.1%}: the plan's cannot be reached</source>
   <translation>最も低いしきい値、感度{reached:.1%}: 計画の値には届きません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>the memory of {device} does not hold a batch of {batch}: each is computed in {parts} parts, whose gradients are averaged, so the steps stay the same</source>
   <translation>{device}のメモリに{batch}枚のバッチが入りません: それぞれを{parts}回に分けて計算し、勾配を平均するので、学習の歩みは変わりません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the memory of {device} holds fewer validation pictures: {piece} are looked at together</source>
   <translation>{device}のメモリに入る検証画像が少なくなりました: {piece}枚ずつ見ます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>the memory of {device} is too small for this network: training on the CPU</source>
   <translation>{device}のメモリはこのネットワークには小さすぎます: CPUで学習します</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>the middle {kept:.0%} of {width}×{height} was used</source>
   <translation>{width}×{height}の中央{kept:.0%}を使用</translation>
  </message>
  <message>
   <location filename="../../desktop/store/archive.py" />
   <source>the model</source>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>the model '{model}' to begin from is not there</source>
   <translation>開始点のモデル'{model}'がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/job.py" />
   <source>the model '{name}' is in the store</source>
   <translation>モデル'{name}'が保管されました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>the model (default: the first that can answer)</source>
   <translation>モデル(既定: 回答できる最初のもの)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the model folder (default: the user's models)</source>
   <translation>モデルのフォルダー(既定: ユーザーのモデル)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the model has no class '{name}'</source>
   <translation>モデルにクラス'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>the model has no label '{label}'</source>
   <translation>モデルにラベル'{label}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/worker.py" />
   <source>the model has {count} classes, none is number {index}</source>
   <translation>モデルは{count}クラスで、{index}番はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>the model has {count} classes, none is {index}</source>
   <translation>モデルは{count}クラスで、{index}番はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the model is not sure of it</source>
   <translation>モデルは確かでないとしています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/works_here.py" />
   <source>the model's card ({data})</source>
   <translation>モデルカード({data})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/works_here.py" />
   <source>the model's card ({data}, split '{split}')</source>
   <translation>モデルカード({data}、分割'{split}')</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>the model's name is that of a patient in the headers of the DICOM files</source>
   <translation>モデルの名前が、DICOMファイルのヘッダーにある患者の名前です</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's output is a model score</source>
   <translation>モデルの出力はモデルスコアです</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>the model's output is a probability</source>
   <translation>モデルの出力は確率です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>the model; 'fovea models list' names them</source>
   <translation>モデル。名前は'fovea models list'でわかる</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>the name has {count:,} characters; at most {longest_name} expected</source>
   <translation>名前が{count:,}文字です。最大{longest_name}文字です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>the name has {count} characters; at most {longest_name} expected</source>
   <translation>名前が{count}文字です。最大{longest_name}文字です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>the names of these classes look the same: {told}; {how}. Rename or merge their folders</source>
   <translation>次のクラスの名前は同じに見えます: {told}。{how}。フォルダーの名前を変えるか、統合してください</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>the names there (default: as they are)</source>
   <translation>そこでの名前(既定: そのまま)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/selftest.py" />
   <source>the network answers {group} pictures at once otherwise than one by one (by {gap:.1e} in a score)</source>
   <translation>ネットワークの回答が、{group}枚を一度に見たときと1枚ずつ見たときで異なります(スコアの差{gap:.1e})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network brings files of its own, which image networks do not need</source>
   <translation>画像ネットワークには不要な独自のファイルが付いています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>the network cannot be taken apart at a map</source>
   <translation>ネットワークをマップの所で分けられません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>the network computes {width:,} features of a picture: too many for a gate</source>
   <translation>ネットワークが画像から計算する特徴量は{width:,}個です: ゲートには多すぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the network gave no usable numbers for this picture</source>
   <translation>この画像に対し、ネットワークが使える数を出しませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network gives no usable numbers (NaN or infinity) for test pictures</source>
   <translation>ネットワークがテスト画像に対して使える数を出しません(NaNまたは無限大)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has about {declared} million parameters</source>
   <translation>ネットワークのパラメータは約{declared}百万個です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network has branches that it chooses while running</source>
   <translation>ネットワークに、実行中に選ばれる分岐があります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/explain/grad_cam.py" />
   <source>the network has no spatial map</source>
   <translation>ネットワークに空間マップがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network has {count:,} operations</source>
   <translation>ネットワークの演算が{count:,}個あります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has {count_params:,} parameters</source>
   <translation>ネットワークのパラメータは{count_params:,}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the network has {count} inputs and {count2} outputs; one of each expected</source>
   <translation>ネットワークの入力が{count}個、出力が{count2}個です。それぞれ1個が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>the network of everyday photographs is not installed</source>
   <translation>日常の写真のネットワークがインストールされていません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/model.py" />
   <source>the network takes {name} {signature}; its description says uint8 {value}</source>
   <translation>ネットワークは{name} {signature}を受け取りますが、記述ではuint8 {value}です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>the network uses the operation '{own}', which is not on the list of operations that Fovea runs</source>
   <translation>ネットワークが、Foveaが実行する演算の一覧にない'{own}'を使っています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network uses {what}, which is not on the list of layers that Fovea builds</source>
   <translation>ネットワークが、Foveaが組み立てる層の一覧にないものを使っています: {what}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description has a layer without settings</source>
   <translation>ネットワークの記述に、設定のない層があります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description has more than {most_nodes:,} parts</source>
   <translation>ネットワークの記述の部品が{most_nodes:,}個を超えています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description has {count:,} bytes</source>
   <translation>ネットワークの記述が{count:,}バイトあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description is no object</source>
   <translation>ネットワークの記述がオブジェクトではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description lists no layers</source>
   <translation>ネットワークの記述に層の一覧がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description names a class by something that is no text</source>
   <translation>ネットワークの記述で、クラスがテキストでないもので示されています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the network's description names no layers</source>
   <translation>ネットワークの記述に層の名前がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>the network's description: {error}</source>
   <translation>ネットワークの記述: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/transfer.py" />
   <source>the new last layer learns from the pictures as they are: what the network sees in each is computed once</source>
   <translation>新しい最後の層は画像をそのまま学習します: ネットワークが各画像に見るものは一度だけ計算されます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/solved.py" />
   <source>the new last layer: {candidates}, the best of {count} ways</source>
   <translation>新しい最後の層: {candidates}、{count}通りのうち最良</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>the number {text} is too large</source>
   <translation>数{text}が大きすぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_steps.py" />
   <source>the output that its description calls probabilities is another</source>
   <translation>記述が確率と呼ぶ出力は別のものです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>the package '{distribution}' is installed, but its file '{file}' is missing</source>
   <translation>パッケージ'{distribution}'はインストールされていますが、そのファイル'{file}'がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>the package '{distribution}', which carries these weights, is not installed here</source>
   <translation>この重みを含むパッケージ'{distribution}'がここにインストールされていません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>the page '{name}' has no part '{part}'</source>
   <translation>ページ'{name}'に項目'{part}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/help_pages.py" />
   <source>the pages of the help are missing or damaged</source>
   <translation>ヘルプのページがないか、破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>the part to validate with where the data has none of its own: a fraction, or fraction:group with group person, auto or none (default: 0.2:auto)</source>
   <translation>データに検証用のものがないとき、検証に使う部分: 割合、またはfraction:group(groupはperson、auto、noneのいずれか)(既定: 0.2:auto)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>the pattern '{pattern}' cannot be used</source>
   <translation>パターン'{pattern}'は使えません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the pattern '{pattern}' has a brace too many or too few</source>
   <translation>パターン'{pattern}'の波かっこに過不足があります</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the pattern holds '{field}'</source>
   <translation>パターンに'{field}'があります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture to explain</source>
   <translation>説明する画像</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>the picture to write</source>
   <translation>書き込む画像</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar_child.py" />
   <source>the pictures could not be compared ({fault})</source>
   <translation>画像を比較できませんでした({fault})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the pictures have {count:,} different sizes; all are brought to one</source>
   <translation>画像の大きさが{count:,}通りあります。すべて同じ大きさにします</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>the pictures take {need}, and the disk has {free} free; some of that is kept</source>
   <translation>画像には{need}必要ですが、ディスクの空きは{free}で、その一部は残しておきます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>the pictures to learn from have changed since this run began: {what}</source>
   <translation>この実行を始めてから学習用の画像が変わりました: {what}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>the pictures to validate with have changed since this run began: {what}</source>
   <translation>この実行を始めてから検証用の画像が変わりました: {what}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the plan</source>
   <translation>計画</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the plan '{name}' cannot be read</source>
   <translation>計画'{name}'を読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the plan cannot be read: {error}</source>
   <translation>計画を読めません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/own_data.py" />
   <source>the plan does not say where its pictures lie</source>
   <translation>計画に画像の場所がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the plan leaves it closed (data.use_test)</source>
   <translation>計画がそれを閉じたままにしています(data.use_test)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the plan of the run '{run_id}' cannot be read</source>
   <translation>実行'{run_id}'の計画を読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the plan of the run '{run_id}' is damaged</source>
   <translation>実行'{run_id}'の計画が破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the plan was written; 'fovea train --plan {name}' trains it</source>
   <translation>計画を書き込みました。'fovea train --plan {name}'で学習します</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the plans are the same</source>
   <translation>計画は同じです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>the prepared pictures could not be read back</source>
   <translation>前処理した画像を読み戻せませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>the preset '{id}' needs to be told its classes and its pictures</source>
   <translation>プリセット'{id}'には、クラスと画像の指定が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>the printed lines of the paper were left out</source>
   <translation>紙の罫線を除きました</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teaching.py" />
   <source>the process that learns from labels has ended ({why})</source>
   <translation>ラベルから学習するプロセスが終了しました({why})</translation>
  </message>
  <message>
   <location filename="../../desktop/system/workers.py" />
   <source>the process that opens pictures does not start</source>
   <translation>画像を開くプロセスが始まりません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the program ended {times} times in the middle of it; it is not tried again</source>
   <translation>その途中でプログラムが{times}回終了しました。もう試しません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/polarity.py" />
   <source>the program's file '{file}' is missing or broken</source>
   <translation>プログラムのファイル'{file}'がないか、壊れています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: another window of Fovea is writing to it</source>
   <translation>プロジェクトの処理({what})ができませんでした: 別のFoveaのウィンドウが書き込んでいます</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: {own_disk} does not answer as it should</source>
   <translation>プロジェクトの処理({what})ができませんでした: {own_disk}が正しく応答しません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: {own_disk} is full</source>
   <translation>プロジェクトの処理({what})ができませんでした: {own_disk}がいっぱいです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project could not be {what}: {own_disk} may not be written to</source>
   <translation>プロジェクトの処理({what})ができませんでした: {own_disk}に書き込めません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project is damaged and could not be {what}</source>
   <translation>プロジェクトが破損していて、処理({what})ができませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>the project was opened by another process</source>
   <translation>プロジェクトは別のプロセスで開かれました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy asks for a name and a password</source>
   <translation>プロキシが名前とパスワードを求めています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy of your settings does not answer</source>
   <translation>設定のプロキシが応答しません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>the proxy refuses: {partition}</source>
   <translation>プロキシが拒否しました: {partition}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the published file ({licence})</source>
   <translation>公開されたファイル({licence})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/search_space.py" />
   <source>the range of {key} is {low:g} to {high:g}</source>
   <translation>{key}の範囲は{low:g}から{high:g}です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the record of the run '{run_id}' cannot be read</source>
   <translation>実行'{run_id}'の記録を読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the record of the run '{run_id}' is damaged: {error}</source>
   <translation>実行'{run_id}'の記録が破損しています: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/__init__.py" />
   <source>the report</source>
   <translation>レポート</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>the report was not written: it was cancelled</source>
   <translation>レポートは書き込まれませんでした: キャンセルされました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>the resamples are too much alike for an interval</source>
   <translation>再標本が似すぎていて区間を出せません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>the run</source>
   <translation>実行</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' carries the record of '{id}'</source>
   <translation>実行'{run_id}'に'{id}'の記録があります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' could not be moved to the trash ({reason_of})</source>
   <translation>実行'{run_id}'をゴミ箱に移せませんでした({reason_of})</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is being written by another program</source>
   <translation>実行'{run_id}'は別のプログラムが書き込み中です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is not in the trash any more</source>
   <translation>実行'{run_id}'はもうゴミ箱にありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run '{run_id}' is training</source>
   <translation>実行'{run_id}'は学習中です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the run of trial {number} is not on this computer</source>
   <translation>試行{number}の実行がこのコンピューターにありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>the run's id, or 'last'</source>
   <translation>実行のID、または'last'</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>the run's state</source>
   <translation>実行の状態</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture in several classes: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture in several classes: at least once</extracomment>
   <translation>
    <numerusform>同じ画像が複数のクラスにあります: 少なくとも{count:,}件</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture in several classes: {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture in several classes: once</extracomment>
   <translation>
    <numerusform>同じ画像が複数のクラスにあります: {count:,}件</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture more than once in a class: at least {count:,} spare</source>
   <translation>同じ画像がクラス内に複数あります: 余分が少なくとも{count:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture more than once in a class: {count:,} spare</source>
   <translation>同じ画像がクラス内に複数あります: 余分が{count:,}枚</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture on both sides of a split: at least {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture on both sides of a split: at least once</extracomment>
   <translation>
    <numerusform>同じ画像が分割の両側にあります: 少なくとも{count:,}件</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>the same picture on both sides of a split: {count:,} times</source>
   <extracomment>Where the count is one, English says: the same picture on both sides of a split: once</extracomment>
   <translation>
    <numerusform>同じ画像が分割の両側にあります: {count:,}件</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>the scratch copy of the model</source>
   <translation>モデルの作業用コピー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the search</source>
   <translation>探索</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{name}' cannot be opened ({name2})</source>
   <translation>探索'{name}'を開けません({name2})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{name}' cannot be read ({name2})</source>
   <translation>探索'{name}'を読めません({name2})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>the search '{study_name}' was begun with {what}</source>
   <translation>探索'{study_name}'を始めたときと異なります: {what}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/searching.py" />
   <source>the search could not be started: {reason}</source>
   <translation>探索を開始できませんでした: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searching.py" />
   <source>the search's process has ended ({why})</source>
   <translation>探索のプロセスが終了しました({why})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the searches on this computer</source>
   <translation>このコンピューターの探索</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server answered {code}</source>
   <translation>サーバーの応答は{code}です</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server did not answer in full within {whole_s:.0f} seconds</source>
   <translation>サーバーが{whole_s:.0f}秒以内に応答を終えませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>the server starts from the beginning: its file has changed, or it cannot go on in the middle</source>
   <translation>サーバーが最初から送ってきます: ファイルが変わったか、途中から続けられません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>the server's answer makes no sense ({name})</source>
   <translation>サーバーの応答が意味をなしません({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the setting '{key}' of a layer '{name}' is not known</source>
   <translation>層'{name}'の設定'{key}'は不明です</translation>
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>the settings</source>
   <translation>設定</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>the splits of '{title}' hold pictures of different shapes</source>
   <translation>'{title}'の分割の画像の形がそろっていません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>the star or note was not kept: {disk} may be full, or may not be written to</source>
   <translation>星またはメモは保存されませんでした: {disk}がいっぱいか、書き込めない可能性があります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/marks.py" />
   <source>the star or note was not kept: {reason}</source>
   <translation>星またはメモは保存されませんでした: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>the start '{kind}' goes {which} a model</source>
   <translation>開始'{kind}'でのモデルの要否: {which}(with = 必要、without = 不要)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>the study</source>
   <translation>比較研究</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the system ended it for lack of memory</source>
   <translation>メモリ不足のためシステムが終了させました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/sandbox.py" />
   <source>the system ended it, most likely for want of memory</source>
   <translation>システムが終了させました。おそらくメモリ不足です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>the system refused it: {reason}</source>
   <translation>システムが拒否しました: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/console.py" />
   <source>the system refused it: {reason} ('{name}')</source>
   <translation>システムが拒否しました: {reason}('{name}')</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>the table '{place}' has no column '{name}'</source>
   <translation>表'{place}'に列'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>the table '{place}' is not there or cannot be read</source>
   <translation>表'{place}'がないか、読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>the table has one column only</source>
   <translation>表に列が一つしかありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/general_words.py" />
   <source>the table of general words is damaged</source>
   <translation>一般語の表が破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>the threshold</source>
   <translation>しきい値</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the trained model gives no numbers</source>
   <translation>学習したモデルが数を出しません</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>the training could not be written down ({name})</source>
   <translation>学習を記録できませんでした({name})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the training ended: {text}</source>
   <translation>学習が終了しました: {text}</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the training was cancelled</source>
   <translation>学習はキャンセルされました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the training was stopped</source>
   <translation>学習は停止しました</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/training_client.py" />
   <source>the training was stopped; its last checkpoint is kept</source>
   <translation>学習は停止しました。最後のチェックポイントは残っています</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training_job.py" />
   <source>the training's process has ended ({reason})</source>
   <translation>学習のプロセスが終了しました({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>the translation {name} cannot be loaded</source>
   <translation>翻訳{name}を読み込めません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>the trash holds no project</source>
   <translation>ゴミ箱にプロジェクトはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>the trials as a table</source>
   <translation>試行の表</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>the two are compatible; it may be up to {value:.3f} worse here.</source>
   <translation>両者は矛盾しません。ここでは最大{value:.3f}悪い可能性があります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>the unpacked model</source>
   <translation>展開したモデル</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>the very same numbers</source>
   <translation>まったく同じ数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras2.py" />
   <source>the weight '{name}' of layer '{own}' {found}; {tuple} expected</source>
   <translation>層'{own}'の重み'{name}'{found}。{tuple}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>the weights of '{id}' are installed, to build upon</source>
   <translation>'{id}'の重みを土台用にインストールしました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/base_models.py" />
   <source>the weights of '{name}' are not installed</source>
   <translation>'{name}'の重みがインストールされていません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/offscreen.py" />
   <source>the window could not be drawn: {trouble}</source>
   <translation>ウィンドウを描けませんでした: {trouble}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>the window was drawn empty</source>
   <translation>ウィンドウが空で描かれました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>the {what} was no longer a number in epoch {epoch}</source>
   <translation>エポック{epoch}で{what}が数でなくなりました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>their order is another</source>
   <translation>順序が異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there are no copies</source>
   <translation>コピーはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>there are no labelled pictures that neither '{old}' nor '{new}' has learned from</source>
   <translation>'{old}'も'{new}'も学習に使っていないラベル付き画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>there are no pictures to train on</source>
   <translation>学習に使う画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>there are no samples '{kind}'</source>
   <translation>サンプル'{kind}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>there are only {which} images: no ROC curve</source>
   <translation>{which}の画像しかないため、ROC曲線はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/thresholds.py" />
   <source>there are pictures of one class alone</source>
   <translation>一つのクラスの画像しかありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there are too many runs called '{name}' now</source>
   <translation>'{name}'という名前の実行が多すぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>there is a class '{name}' already</source>
   <translation>クラス'{name}'はすでにあります</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sorting.py" />
   <source>there is a file of that name</source>
   <translation>その名前のファイルがあります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>there is a model or an unfinished training '{wanted}': this one becomes '{id}'</source>
   <translation>モデルまたは終わっていない学習'{wanted}'がすでにあります: これは'{id}'になります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>there is another model '{model_id}' now</source>
   <translation>今は別のモデル'{model_id}'があります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>there is another project '{id}' now</source>
   <translation>今は別のプロジェクト'{id}'があります</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there is another run '{run_id}' now</source>
   <translation>今は別の実行'{run_id}'があります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/netspec.py" />
   <source>there is no activation '{activation}'</source>
   <translation>活性化関数'{activation}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/architectures.py" />
   <source>there is no architecture '{name}'</source>
   <translation>アーキテクチャ'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>there is no architecture '{name}'; known: {architectures}</source>
   <translation>アーキテクチャ'{name}'はありません。使えるもの: {architectures}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>there is no augmentation '{name}'</source>
   <translation>データ拡張'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>there is no camera number {number}</source>
   <translation>カメラ番号{number}はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/checkpoint.py" />
   <source>there is no checkpoint '{name}' in this run</source>
   <translation>この実行にチェックポイント'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no class '{class_name}'</source>
   <translation>クラス'{class_name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>there is no command '{name}'</source>
   <translation>コマンド'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/licences.py" />
   <source>there is no component '{sorted}'</source>
   <translation>コンポーネント'{sorted}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/public_sets.py" />
   <source>there is no data set '{source}'</source>
   <translation>データセット'{source}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>there is no display to open a window on</source>
   <translation>ウィンドウを開く画面がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>there is no file '{file}'</source>
   <translation>ファイル'{file}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/zip_check.py" />
   <source>there is no file '{name}'</source>
   <translation>ファイル'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>there is no file '{source}'</source>
   <translation>ファイル'{source}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>there is no file or folder '{missing}'</source>
   <translation>ファイルまたはフォルダー'{missing}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>there is no initialiser '{name}'</source>
   <translation>初期化法'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>there is no layer '{layer}'</source>
   <translation>層'{layer}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/store.py" />
   <source>there is no model '{model_id}'</source>
   <translation>モデル'{model_id}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>there is no network '{name}' to install</source>
   <translation>インストールできるネットワーク'{name}'はありません</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/fitness.py" />
   <source>there is no picture of {count:,} classes to learn from: {names}</source>
   <extracomment>Where the count is one, English says: there is no picture of {names} to learn from</extracomment>
   <translation>
    <numerusform>{count:,}クラスに学習用の画像がありません: {names}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no picture to suggest anything for</source>
   <translation>提案する画像がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is no picture without a label</source>
   <translation>ラベルのない画像はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/presets.py" />
   <source>there is no preset '{preset_id}'</source>
   <translation>プリセット'{preset_id}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>there is no project '{project_id}'</source>
   <translation>プロジェクト'{project_id}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>there is no project '{wanted}'</source>
   <translation>プロジェクト'{wanted}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>there is no project yet; 'fovea teach create NAME PICTURES' makes one</source>
   <translation>まだプロジェクトがありません。'fovea teach create NAME PICTURES'で作れます</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>there is no run '{run_id}'</source>
   <translation>実行'{run_id}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>there is no run to take up</source>
   <translation>再開する実行がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>there is no search '{name}'</source>
   <translation>探索'{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>there is no setting '{where}{name}'</source>
   <translation>設定'{where}{name}'はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/file_actions.py" />
   <source>there is no such command in the log</source>
   <translation>記録にそのようなコマンドはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>there is no such file</source>
   <translation>そのようなファイルはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/__main__.py" />
   <source>there is no translation into '{language}'</source>
   <translation>'{language}'への翻訳はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/app/evaluating.py" />
   <source>there is none</source>
   <translation>ありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>there is not enough memory for a domain gate</source>
   <translation>ドメインゲートにはメモリが足りません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/answers.py" />
   <source>there is not enough memory for this picture</source>
   <translation>この画像にはメモリが足りません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/searcher.py" />
   <source>there is not enough memory for this search</source>
   <translation>この探索にはメモリが足りません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>there is not enough memory for this training</source>
   <translation>この学習にはメモリが足りません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/train.py" />
   <source>there is not enough memory for this training ({problem})</source>
   <translation>この学習にはメモリが足りません({problem})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>there is nothing to suggest yet: {waiting_for} needed</source>
   <translation>まだ提案できません: {waiting_for}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>there is nothing to take back</source>
   <translation>取り消すものがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>there is nothing to try</source>
   <translation>試すものがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>there is nothing to {command}</source>
   <translation>対象がありません: {command}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>there is one class only, '{classes}': a classifier needs two or more</source>
   <translation>クラスが'{classes}'一つしかありません: 分類器には二つ以上必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>there is something called '{name}' in that folder</source>
   <translation>そのフォルダーに'{name}'という名前のものがすでにあります</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/efficientnet_lite.py" />
   <source>these weights do not fit the network: {what}</source>
   <translation>この重みはネットワークと合いません: {what}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/imagenet.py" />
   <source>these weights do not fit {name}: {split}</source>
   <translation>この重みは{name}と合いません: {split}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in blanks only</source>
   <translation>空白だけが異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in letters that look alike</source>
   <translation>見た目の似た文字だけが異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>they differ in upper and lower case only</source>
   <translation>大文字と小文字だけが異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>thick strokes were thinned (width {width:.1f} of {box})</source>
   <translation>太い線を細くしました({box}中の太さ{width:.1f})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>thicker and thinner ink</source>
   <translation>インクを太く、細く</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>thin strokes were thickened (width {width:.1f} of {box})</source>
   <translation>細い線を太くしました({box}中の太さ{width:.1f})</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>this class is not in the project any more</source>
   <translation>このクラスはもうプロジェクトにありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>this data has no test split</source>
   <translation>このデータにテスト分割はありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>this data has none</source>
   <translation>このデータにはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/services/model_jobs.py" />
   <source>this did not work: {name}: {error}</source>
   <translation>うまくいきませんでした: {name}: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>this edition does not train</source>
   <translation>このエディションは学習しません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/gradients.py" />
   <source>this edition of Fovea comes without TensorFlow</source>
   <translation>このエディションのFoveaにTensorFlowは付属していません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation is not kept</source>
   <translation>この評価は保存されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation is not kept any more</source>
   <translation>この評価はもう保存されていません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this evaluation was not moved: {reason}</source>
   <translation>この評価は移動されませんでした: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_exchange.py" />
   <source>this export</source>
   <translation>このエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/app/sample_sets.py" />
   <source>this installation comes without the samples '{kind}'</source>
   <translation>このインストールにサンプル'{kind}'は付属していません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/search.py" />
   <source>this installation has no Optuna</source>
   <translation>このインストールにOptunaはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/keras_check.py" />
   <source>this is a SavedModel: it holds a program, not a list of layers, and a program cannot be checked</source>
   <translation>これはSavedModelです: 層の一覧ではなくプログラムであり、プログラムは確認できません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is a folder</source>
   <translation>これはフォルダーです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/h5_check.py" />
   <source>this is no HDF5 file</source>
   <translation>これはHDF5ファイルではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/tflite_check.py" />
   <source>this is no LiteRT file (.tflite)</source>
   <translation>これはLiteRTファイル(.tflite)ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>this is no address of an update file; one begins with https:// and names no user</source>
   <translation>これは更新ファイルのアドレスではありません。https://で始まり、ユーザー名を含まないものが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/changes.py" />
   <source>this is no deleted model</source>
   <translation>これは削除したモデルではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/events.py" />
   <source>this is no event of a training</source>
   <translation>これは学習のイベントではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/torch_file.py" />
   <source>this is no file of PyTorch weights in the expected form: {words}</source>
   <translation>これは期待される形のPyTorchの重みのファイルではありません: {words}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is no file of a network</source>
   <translation>これはネットワークのファイルではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>this is not the published file: {name} {got} found, {lower} expected ({size:,} bytes)</source>
   <translation>これは公開されたファイルではありません: {name}は{got}で、{lower}のはずです({size:,}バイト)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/import_model.py" />
   <source>this is {refused_endings}</source>
   <translation>これは{refused_endings}です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>this kept evaluation is damaged</source>
   <translation>この保存した評価は破損しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/nets/base_network.py" />
   <source>this model does not end in softmax scores; its training cannot go on</source>
   <translation>このモデルの末尾がソフトマックスのスコアではないため、学習を続けられません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>this picture is not in the project any more</source>
   <translation>この画像はもうプロジェクトにありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/teacher.py" />
   <source>this picture was not looked at yet</source>
   <translation>この画像はまだ見ていません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project is damaged: it has no tables</source>
   <translation>このプロジェクトは破損しています: 表がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>this project is not in the trash any more</source>
   <translation>このプロジェクトはもうゴミ箱にありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project is not there any more</source>
   <translation>このプロジェクトはもうありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project_database.py" />
   <source>this project was written by a newer Fovea</source>
   <translation>このプロジェクトは新しいFoveaで書かれました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/runs.py" />
   <source>this run is being trained by another process</source>
   <translation>この実行は別のプロセスが学習中です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>those in the trash instead</source>
   <translation>代わりにゴミ箱の中のもの</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>threshold used</source>
   <translation>使用したしきい値</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>too few usable resamples for an interval</source>
   <translation>使える再標本が少なすぎて区間を出せません</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>top score</source>
   <extracomment>Axis of a plot: the highest score of an answer.</extracomment>
   <translation>最高スコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>traces of JPEG</source>
   <translation>JPEGの痕跡</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>train a classifier</source>
   <translation>分類器を学習させる</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>train: a small net trained now on drawn shapes</source>
   <translation>学習: 描いた図形で今学習する小さなネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>train: the run to look at (default: none)</source>
   <translation>学習: 見る実行(既定: なし)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/trial.py" />
   <source>trained; taking it up makes its model</source>
   <translation>学習済み。再開するとモデルができます</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/trainer.py" />
   <source>training needs {package}, which is not part of this installation</source>
   <translation>学習には{package}が必要ですが、このインストールにはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>training plan: {found}</source>
   <translation>学習計画: {found}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw exact copies of {doubled:,} of them</source>
   <translation>そのうち{doubled:,}枚は、学習で完全なコピーを見ています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw none of their {which}</source>
   <translation>学習ではその{which}を一つも見ていません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/decide.py" />
   <source>training saw other pictures of {shared:,} of their persons or cases</source>
   <translation>そのうち{shared:,}の人または件は、学習で別の画像を見ています</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>trainings of each (default: 3)</source>
   <translation>それぞれの学習回数(既定: 3)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/colour.py" />
   <source>transparent parts shown on white</source>
   <translation>透明部分を白の上に表示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>trial {number} of {wanted}: {value}  ({state})  {chosen}</source>
   <translation>試行{number} / {wanted}: {value}  ({state})  {chosen}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>trial {number}: epoch {epoch}/{epochs}  validation {val_accuracy:.4f}</source>
   <translation>試行{number}: エポック{epoch}/{epochs}  検証{val_accuracy:.4f}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>true or false</source>
   <translation>trueまたはfalse</translation>
  </message>
  <message>
   <location filename="../../desktop/report/plots.py" />
   <source>truth</source>
   <translation>正解</translation>
  </message>
  <message>
   <location filename="../../desktop/report/pdf.py" />
   <source>truth {label} {score:.3f}</source>
   <translation>正解{label} {score:.3f}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>truth ↓ answer →</source>
   <translation>正解↓ 回答→</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>try many settings of a training and see which won</source>
   <translation>学習の設定を多数試し、最も良いものを見る</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/raster.py" />
   <source>turned upright (EXIF orientation {orientation})</source>
   <translation>正しい向きに回転(EXIFの向き{orientation})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>two labels are alike</source>
   <translation>同じラベルが二つあります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>two labels: the score from which on the positive one is answered</source>
   <translation>ラベルが二つのとき: 陽性と回答するスコアの下限</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/augment_spec.py" />
   <source>two numbers {within}, the smaller first</source>
   <translation>二つの数{within}、小さいほうが先</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>unfreeze and head_epochs must be at least 0, and head_rate above 0</source>
   <translation>unfreezeとhead_epochsは0以上、head_rateは0より大きい必要があります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/preprocess.py" />
   <source>unusual shape {width}×{height}</source>
   <translation>普通でない形{width}×{height}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/__init__.py" />
   <source>usage: fovea COMMAND …      (without a command: the window)</source>
   <translation>使い方: fovea COMMAND …      (コマンドなし: ウィンドウ)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>validation holds no picture of '{label}': nothing is measured of it</source>
   <translation>検証に'{label}'の画像がありません: それについては何も測定されません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/training/loop.py" />
   <source>validation loss</source>
   <translation>検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>validation {validation} found; expected a fraction between 0 and 0.9</source>
   <translation>validationが{validation}です。0から0.9の割合が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>values that are no numbers shown as the darkest or brightest</source>
   <translation>数でない値を最も暗い、または最も明るい値として表示</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>values to try</source>
   <translation>試す値</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>version {version} of the package '{distribution}' is installed; {version2} expected</source>
   <translation>パッケージ'{distribution}'のバージョン{version}がインストールされています。{version2}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/install.py" />
   <source>weights file sha256 {sha256}, md5 {md5}: {origin}</source>
   <translation>重みファイルsha256 {sha256}、md5 {md5}: {origin}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>what</source>
   <translation>内容</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>what 'delete' printed (default: list what is in the trash)</source>
   <translation>'delete'が表示したもの(既定: ゴミ箱の中を列挙)</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>what is still to come</source>
   <translation>これから届く分</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>what it is</source>
   <translation>説明</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what it was trained on, for its card</source>
   <translation>学習に使ったもの、カード用</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what its last layer gives</source>
   <translation>最後の層の出力</translation>
  </message>
  <message>
   <location filename="../../desktop/system/updates.py" />
   <source>what lies at this address is no update file of Fovea</source>
   <translation>このアドレスにあるものはFoveaの更新ファイルではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/similar.py" />
   <source>what looks at the pictures stopped ({reason})</source>
   <translation>画像を見る部分が停止しました({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_client.py" />
   <source>what reads the camera stopped ({reason})</source>
   <translation>カメラを読む部分が停止しました({reason})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what the file does not say, and nobody guesses</source>
   <translation>ファイルに書かれておらず、推測もしないもの</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>what the model is called</source>
   <translation>モデルの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>what the model is to be called</source>
   <translation>モデルの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>what the network computes of some pictures is infinite or no number</source>
   <translation>一部の画像でネットワークの計算結果が無限大か、数ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>what the search is called</source>
   <translation>探索の名前</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>what the study is called</source>
   <translation>比較研究の名前</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>what the table's names are relative to</source>
   <translation>表の中の名前の基準となる場所</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>what to train (one of these; default: what suits the pictures)</source>
   <translation>学習させるもの(このどれか。既定: 画像に適したもの)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>what was prepared of the pictures</source>
   <translation>画像の前処理の結果</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>what was said of labels</source>
   <translation>ラベルについての判断</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>what you said of this label is not kept: the evaluation was stopped before the data was known</source>
   <translation>このラベルについての判断は保存されません: データがわかる前に評価が止められました</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>when</source>
   <translation>日時</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>where the folders of the answers are to be</source>
   <translation>回答のフォルダーを置く場所</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/samples.py" />
   <source>where the new folder is made</source>
   <translation>新しいフォルダーを作る場所</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>which class (default: the model's answer)</source>
   <translation>どのクラスか(既定: モデルの回答)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/store.py" />
   <source>which class means which label</source>
   <translation>どのクラスがどのラベルか</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>which of the data's splits; 'all' for all of them</source>
   <translation>データのどの分割か。'all'はすべて</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>which ones first (default: the surest)</source>
   <translation>どれから先に(既定: 最も確かなもの)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/samples.py" />
   <source>which samples (see below)</source>
   <translation>どのサンプルか(下を参照)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>which view</source>
   <translation>どのビューか</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>window of the file: centre {centre:g}, width {width:g}</source>
   <translation>ファイルのウィンドウ: 中心{centre:g}、幅{width:g}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>with --camera: end after so many answers</source>
   <translation>--camera と一緒に: この回数の回答で終了</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>with --from the pictures are prepared as '{start}' takes them</source>
   <translation>--from では、画像は'{start}'が受け取る形に前処理されます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>with --from: take another file than the published one, if it has this hash</source>
   <translation>--from と一緒に: 公開されたものと違っても、このハッシュのファイルなら使う</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>with Keras</source>
   <translation>Kerasとともに</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>wizard: the starting point (default: recommended)</source>
   <translation>ウィザード: 開始点(既定: 推奨)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>wizard: which page (default: 1)</source>
   <translation>ウィザード: どのページか(既定: 1)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>write a model for other programs, with a certificate of its answers</source>
   <translation>回答の証明書を付けて、ほかのプログラム用にモデルを書き出す</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>write beside each file which number is which picture; not to be handed on</source>
   <translation>各ファイルの隣に、どの番号がどの画像かを書く。渡さないこと</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>write the plan to FILE and train nothing</source>
   <translation>計画をFILEに書き込み、学習はしない</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>write them there instead</source>
   <translation>代わりにそこに書き込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/export_steps.py" />
   <source>writing ONNX needs the package {name}, which is not part of this installation</source>
   <translation>ONNXの書き出しにはパッケージ{name}が必要ですが、このインストールにはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>writing the model</source>
   <translation>モデルを書き込み中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{answered:,} answered, {failed:,} failed</source>
   <translation>回答{answered:,}、失敗{failed:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{answered:,} answered, {failed:,} failed …</source>
   <translation>回答{answered:,}、失敗{failed:,} …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict_camera.py" />
   <source>{answered:,} frames answered, {failed:,} failed</source>
   <translation>回答したフレーム{answered:,}、失敗{failed:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{bits_stored}-bit, windowed {describe}</source>
   <translation>{bits_stored}ビット、ウィンドウ処理: {describe}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits} bits a channel, the upper 8 used</source>
   <translation>チャンネルあたり{bits}ビット、上位8ビットを使用</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits}-bit floating point, windowed {window}</source>
   <translation>{bits}ビット浮動小数点、ウィンドウ処理: {window}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/depth.py" />
   <source>{bits}-bit, windowed {window}</source>
   <translation>{bits}ビット、ウィンドウ処理: {window}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>{broken:,} pictures do not open and take no part</source>
   <translation>画像{broken:,}枚は開けないため、対象外です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{card} says {percent} on {card_n:,}</source>
   <translation>{card}では{card_n:,}枚で{percent}です</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,}</source>
   <translation>{count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,} (listed below, not counted)</source>
   <translation>{count:,}(下に列挙、数に入れない)</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,} (stopped early: not all of the data)</source>
   <translation>{count:,}(途中で停止: データ全体ではない)</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{count:,} bytes found, at most {most_bytes:,} expected</source>
   <translation>{count:,}バイトあります。最大{most_bytes:,}バイトです</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{count:,} classes ({names}) hold a single picture: it cannot be both learnt from and checked with</source>
   <extracomment>Where the count is one, English says: class {names} holds a single picture: it cannot be both learnt from and checked with</extracomment>
   <translation>
    <numerusform>{count:,}クラス({names})は画像が1枚だけです: 同じ画像で学習と検証の両方はできません</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/patient_names.py" />
   <source>{count:,} classes are called like a patient in the headers of the DICOM files: a model keeps the names of its classes</source>
   <extracomment>Where the count is one, English says: a class is called like a patient in the headers of the DICOM files: a model keeps the names of its classes</extracomment>
   <translation>
    <numerusform>{count:,}クラスの名前が、DICOMファイルのヘッダーにある患者の名前と同じです: モデルにはクラスの名前が残ります</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{count:,} classes hold no pictures: {names}</source>
   <extracomment>Where the count is one, English says: class {names} holds no pictures</extracomment>
   <translation>
    <numerusform>{count:,}クラスに画像がありません: {names}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} classified …</source>
   <translation>分類{count:,}枚 …</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} copied</source>
   <translation>コピー{count:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} files found, at most {most_files} expected</source>
   <translation>ファイルが{count:,}個あります。最大{most_files}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} files without a suffix</source>
   <translation>拡張子のないファイル{count:,}個</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} folders ({names}) beside the splits: not read</source>
   <extracomment>Where the count is one, English says: folder {names} beside the splits: not read</extracomment>
   <translation>
    <numerusform>分割の隣のフォルダー{count:,}個({names})は読みません</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} hidden files</source>
   <translation>隠しファイル{count:,}個</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} images, split '{split}'; {day}; made by Fovea</source>
   <translation>画像{count:,}枚、分割'{split}'。{day}。Fovea作成</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{count:,} images, {elapsed_s:.1f} s on {value}</source>
   <translation>画像{count:,}枚、{value}で{elapsed_s:.1f}秒</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} images; {day}; made by Fovea</source>
   <translation>画像{count:,}枚。{day}。Fovea作成</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} left</source>
   <translation>未処理{count:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} metrics found, at most {most_metrics} expected</source>
   <translation>指標が{count:,}個あります。最大{most_metrics}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} moved</source>
   <translation>移動{count:,}枚</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/pictures/studies.py" />
   <source>{count:,} of the {whole:,} files that it names are not there.</source>
   <extracomment>Where the count is one, English says: {count:,} of the {whole:,} files that it names is not there.</extracomment>
   <translation>
    <numerusform>挙げられた{whole:,}個のファイルのうち{count:,}個がありません。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{count:,} of {count2:,} pictures to {purpose} with are exact copies of pictures that are learnt from: the figures promise too much</source>
   <translation>{purpose}に使う画像{count2:,}枚中{count:,}枚は、学習用の画像の完全なコピーです: 数値は実力以上になります</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{count:,} of {total:,}</source>
   <translation>{count:,} / {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/public_names.py" />
   <source>{count:,} of {total:,} names of files read like a person's name, or hold a patient's: numbers stand in place of these{title}. The others are written as they are.</source>
   <translation>ファイル名{total:,}個中{count:,}個は人名のように読めるか、患者の名前を含みます: それらの名前{title}は番号に置き換えられます。ほかはそのまま書かれます。</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/figures/result.py" />
   <source>{count:,} of {total:,} pictures have no answer and count in no figure: figures are of the {answered:,} others alone. {said}</source>
   <extracomment>Where the count is one, English says: {count:,} of {total:,} pictures has no answer and counts in no figure: figures are of the {answered:,} others alone. {said}</extracomment>
   <translation>
    <numerusform>画像{total:,}枚中{count:,}枚は回答がなく、どの数値にも入りません: 数値はほかの{answered:,}枚だけのものです。{said}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{count:,} of {total:,} pictures of '{labels}' are to check with, about {wanted:,.0f} were asked for: what belongs together stays on one side</source>
   <translation>'{labels}'の画像{total:,}枚中{count:,}枚が検証用です。約{wanted:,.0f}枚が求められました: ひとまとまりのものは片側に置かれます</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{count:,} pictures are</source>
   <translation>画像{count:,}枚を</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are in printing colours (CMYK) and are converted</source>
   <extracomment>Where the count is one, English says: {count:,} picture is in printing colours (CMYK) and is converted</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像は印刷用の色(CMYK)なので変換します</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are stored inverted and are turned over</source>
   <extracomment>Where the count is one, English says: {count:,} picture is stored inverted and is turned over</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像は白黒反転で保存されているので反転します</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures are very large and are read at a reduced size</source>
   <extracomment>Where the count is one, English says: {count:,} picture is very large and is read at a reduced size</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像は非常に大きいので縮小して読みます</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have a window of their own that shows nothing of them; it is left aside</source>
   <extracomment>Where the count is one, English says: {count:,} picture has a window of its own that shows nothing of it; it is left aside</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像の独自のウィンドウでは何も見えないので、使いません</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more bands than are shown</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more bands than are shown</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像には、表示されるより多くのバンドがあります</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more than 8 bits and are reduced to 8</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more than 8 bits and is reduced to 8</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像は8ビットを超えるので8ビットに減らします</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have more than 8 bits and are windowed to 8</source>
   <extracomment>Where the count is one, English says: {count:,} picture has more than 8 bits and is windowed to 8</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像は8ビットを超えるのでウィンドウ処理で8ビットにします</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have no label in it and were not counted</source>
   <extracomment>Where the count is one, English says: {count:,} picture has no label in it and was not counted</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像はそこにラベルがなく、数えませんでした</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have pixels without data, which are black</source>
   <extracomment>Where the count is one, English says: {count:,} picture has pixels without data, which are black</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像にはデータのないピクセルがあり、黒になります</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have several frames: the first one is used</source>
   <extracomment>Where the count is one, English says: {count:,} picture has several frames: the first one is used</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像には複数のフレームがあります: 最初のものを使います</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have several labels in it and were not counted</source>
   <extracomment>Where the count is one, English says: {count:,} picture has several labels in it and was not counted</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像はそこにラベルが複数あり、数えませんでした</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} pictures have several labels in one cell ('{label}'): each combination counts as a class of its own</source>
   <extracomment>Where the count is one, English says: a picture has several labels in its cell ('{label}'): each combination counts as a class of its own</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像は一つのセルに複数のラベルがあります('{label}'): 組み合わせごとに一つのクラスとして数えます</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures have transparent parts, which are laid on white</source>
   <extracomment>Where the count is one, English says: {count:,} picture has transparent parts, which are laid on white</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像には透明部分があり、白の上に置きます</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures lack their end marks, nothing else</source>
   <extracomment>Where the count is one, English says: {count:,} picture lacks its end mark, nothing else</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像には終わりの印がありません。ほかに問題はありません</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/findings.py" />
   <source>{count:,} pictures lie on their side and are turned upright</source>
   <extracomment>Where the count is one, English says: {count:,} picture lies on its side and is turned upright</extracomment>
   <translation>
    <numerusform>{count:,}枚の画像は横向きなので正しい向きにします</numerusform>
   </translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} pictures that are called like the masks of others ('{name}') were left out; if they are pictures of their own, confirm that with the layout 'folders'</source>
   <extracomment>Where the count is one, English says: a picture that is called like the mask of another ('{name}') was left out; if it is a picture of its own, confirm that with the layout 'folders'</extracomment>
   <translation>
    <numerusform>ほかの画像のマスクのような名前の画像{count:,}枚('{name}')は除きました。独立した画像なら、レイアウト'folders'で確定してください</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} renamed</source>
   <translation>名前変更{count:,}枚</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{count:,} rows of the table name pictures that are not there</source>
   <extracomment>Where the count is one, English says: {count:,} row of the table names a picture that is not there</extracomment>
   <translation>
    <numerusform>表の{count:,}行が、存在しない画像を挙げています</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>{count:,} suggestions were taken; 'fovea teach undo {id}' takes them back</source>
   <translation>提案{count:,}件を採用しました。'fovea teach undo {id}'で取り消せます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} system files</source>
   <translation>システムファイル{count:,}個</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>{count:,} taken back</source>
   <translation>取り消し{count:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{count:,} versions found, at most {most_versions} expected</source>
   <translation>バージョンが{count:,}個あります。最大{most_versions}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{count:,} {suffix} files</source>
   <translation>{suffix}ファイル{count:,}個</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{count:,}, by file names or DICOM patient numbers</source>
   <translation>{count:,}、ファイル名またはDICOMの患者番号による</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{count} classes found for {count2} labels</source>
   <translation>ラベル{count2}個に対してクラスが{count}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} cutoffs of answer sets found; one from 0 to 1 for each of {count2} rates</source>
   <translation>候補の回答の組の境界値が{count}個です。{count2}個の誤り率それぞれに0から1の値が一つ必要です</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/cli/models.py" />
   <source>{count} files as they should be</source>
   <extracomment>Where the count is one, English says: {count} file as it should be</extracomment>
   <translation>
    <numerusform>{count}個のファイルが正常</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>{count} halvings leave nothing of {shape}×{shape2} pixels</source>
   <translation>{count}回半分にすると、{shape}×{shape2}ピクセルは何も残りません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} label ids found for {count2} labels</source>
   <translation>ラベル{count2}個に対してラベルIDが{count}個です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} labels found, 2 to {max_classes} expected</source>
   <translation>ラベルが{count}個です。2から{max_classes}個が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{count} labels found, at least 2 expected</source>
   <translation>ラベルが{count}個です。2個以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/exchange/foreign.py" />
   <source>{count} labels found; 2 to {most_classes:,} expected</source>
   <translation>ラベルが{count}個あります。2から{most_classes:,}個が必要です</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/label_map.py" />
   <source>{count} of the data's classes are no label of the model: {unmatched}. Data: {classes}. Model: {labels}</source>
   <extracomment>Where the count is one, English says: {count} of the data's classes is no label of the model: {unmatched}. Data: {classes}. Model: {labels}</extracomment>
   <translation>
    <numerusform>データの{count}クラスがモデルのラベルにありません: {unmatched}。データ: {classes}。モデル: {labels}</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{count} pieces of ink stand apart, and the model reads one digit</source>
   <translation>離れたインクが{count}個ありますが、モデルが読む数字は1個です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{count} pieces of ink, and no more than {most} are read: the answer is for one of them at most</source>
   <translation>インクが{count}個ありますが、読むのは{most}個までです: 回答は多くてもそのうち1個についてです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/projects.py" />
   <source>{count} projects are called '{wanted}': {ids}</source>
   <translation>'{wanted}'という名前のプロジェクトが{count}個あります: {ids}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{count} quantiles of the domain gate found; {quantiles} in rising order expected</source>
   <translation>ドメインゲートの分位数が{count}個です。昇順で{quantiles}個が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{count} scores found, {count2} expected</source>
   <translation>スコアが{count}個です。{count2}個のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{count} stored answers repeated, largest difference {worst:.1g}; the engine answers</source>
   <translation>保存済みの回答{count}個を再現、最大の差{worst:.1g}。エンジンは回答します</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/read_tables.py" />
   <source>{count} tables ('{place}' …)</source>
   <extracomment>Where the count is one, English says: the table '{place}'</extracomment>
   <translation>
    <numerusform>{count}個の表('{place}' …)</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/fit_domain_gate.py" />
   <source>{count} training and {count2} validation pictures are too few for a domain gate</source>
   <translation>学習画像{count}枚と検証画像{count2}枚では、ドメインゲートには足りません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{cycles} cycles found; expected 1 to 20</source>
   <translation>cyclesが{cycles}です。1から20が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{done:.1f} of {total:.1f} MB, {rate:.1f} MB/s{left}</source>
   <translation>{done:.1f} / {total:.1f} MB、{rate:.1f} MB/s{left}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{done} of {total}</source>
   <translation>{done} / {total}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/explain.py" />
   <source>{done} of {total} parts covered …</source>
   <translation>{total}か所中{done}か所を隠しました …</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{error}; the damaged file could not be put aside</source>
   <translation>{error}。破損したファイルを別に移せませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/system/words.py" />
   <source>{first} {then}</source>
   <translation>{first} {then}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{flavour}, {frozen}, Python {python_version}, Qt {qversion}</source>
   <translation>{flavour}、{frozen}、Python {python_version}、Qt {qversion}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{form} cannot be written: a library is missing</source>
   <translation>{form}を書き出せません: ライブラリがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach_learning.py" />
   <source>{found:,} pictures were found again, {missing:,} are missing still, {replaced:,} hold another picture now</source>
   <translation>画像{found:,}枚が見つかり、{missing:,}枚はまだ見つからず、{replaced:,}枚は今は別の画像です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>{found} in '{title}'. {lines}</source>
   <translation>'{title}'で{found}。{lines}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{get} numbers of {bits} bits</source>
   <translation>{bits}ビットの{get}数</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{get} of {bits} bits</source>
   <translation>{bits}ビットの{get}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/splits.py" />
   <source>{gone:,} are missing and {new:,} are new</source>
   <translation>{gone:,}枚がなくなり、{new:,}枚が新しく加わりました</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{head_epochs} epochs for the head found; expected fewer than the {epochs} in all</source>
   <translation>ヘッドのエポック数が{head_epochs}です。全体の{epochs}より少ない必要があります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/label_map.py" />
   <source>{hint} Where the numbers are the model's own label numbers: --map-numbers.</source>
   <translation>{hint} 番号がモデル自身のラベル番号の場合: --map-numbers。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/open_data.py" />
   <source>{hint} {more}</source>
   <translation>{hint} {more}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/weight_packages.py" />
   <source>{hint}, or by itself: pip install {wanted}. Models that are there work without it.</source>
   <translation>{hint}。または単独で: pip install {wanted}。すでにあるモデルはこれなしで動きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>{hits:,} of {n:,} ({value})</source>
   <translation>{n:,}枚中{hits:,}枚({value})</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{hits:,} of {n:,} images</source>
   <translation>画像{n:,}枚中{hits:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{hits:,} of {n:,} images ({percent}, 95 % interval {span})</source>
   <translation>画像{n:,}枚中{hits:,}枚({percent}、95 %区間{span})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/search.py" />
   <source>{hits} of {n}</source>
   <translation>{n}中{hits}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/intervals.py" />
   <source>{hits} of {n}: too few for a figure</source>
   <translation>{n}中{hits}: 少なすぎて数値を出せません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} answers {code} ({reason})</source>
   <translation>{host}の応答は{code}({reason})です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} has a file of {total:,} bytes; {about}{wanted:,} expected</source>
   <translation>{host}のファイルは{total:,}バイトです。{about}{wanted:,}バイトのはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} has another file now</source>
   <translation>{host}のファイルは今は別のものです</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} has not sent anything for a while</source>
   <translation>{host}からしばらく何も届いていません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} points to an address that is not safe</source>
   <translation>{host}が安全でないアドレスを指しています</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sends more than the {total:,} bytes expected</source>
   <translation>{host}が、予定の{total:,}バイトより多く送ってきます</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent a web page instead of the file</source>
   <translation>{host}がファイルの代わりにウェブページを送ってきました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent another part, or of another file</source>
   <translation>{host}が別の部分、または別のファイルの部分を送ってきました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{host} sent something that is no file of weights (HDF5)</source>
   <translation>{host}が、重みのファイル(HDF5)でないものを送ってきました</translation>
  </message>
  <message>
   <location filename="../../desktop/store/connection.py" />
   <source>{host} was not found: this computer seems to be offline</source>
   <translation>{host}が見つかりません: このコンピューターはオフラインのようです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{id} is back</source>
   <translation>{id}が戻りました</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{itemsize}-bit, windowed {describe}</source>
   <translation>{itemsize}ビット、ウィンドウ処理: {describe}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/plan.py" />
   <source>{key}: {text} found, 'on' or 'none' expected</source>
   <translation>{key}: {text}です。'on'または'none'のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{kind_of} found, a list of texts expected</source>
   <translation>{kind_of}です。テキストのリストが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{kind_of} found, an object expected</source>
   <translation>{kind_of}です。オブジェクトが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_names.py" />
   <source>{label} is the class, # stands for digits, * for anything: for instance names:{label}_#.</source>
   <translation>{label}がクラス、#が数字、*が任意の文字列です: たとえばnames:{label}_#。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{learned} training pictures of '{title}' ({counts}); cross-validated.</source>
   <translation>'{title}'の学習画像{learned}枚({counts})。交差検証。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{learned} training pictures of '{title}' ({counts}); {held} for validation.</source>
   <translation>'{title}'の学習画像{learned}枚({counts})。検証用{held}枚。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{least} to {largest}, in the middle {middle}</source>
   <translation>{least}から{largest}、中央{middle}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{loose:,} pictures lie beside the class folders: they have no class and were not counted</source>
   <translation>クラス別フォルダーの隣に画像が{loose:,}枚あります: クラスがないため数えませんでした</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{low:.2f} to {high:.2f}</source>
   <translation>{low:.2f}から{high:.2f}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>{low} to {high}{unit}, n = {n:,}</source>
   <translation>{low}から{high}{unit}、n = {n:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{many} left out: broken, there twice, or in several classes ('fovea data inspect' lists them)</source>
   <translation>{many}除外: 破損、二重、または複数のクラスにあります(一覧は'fovea data inspect')</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train_plan.py" />
   <source>{many} of nearly the same pictures: each stays on one side of the split (--exact: do not look)</source>
   <translation>ほぼ同じ画像の{many}: それぞれ分割の片側に置かれます( --exact: 探さない)</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{matrix} of {total} pictures of '{labels}' were called '{labels2}'.</source>
   <translation>'{labels}'の画像{total}枚中{matrix}枚が'{labels2}'とされました。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/download.py" />
   <source>{message}; trying again</source>
   <translation>{message}。もう一度試しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/card.py" />
   <source>{model} up to {value}, then {own}</source>
   <translation>{value}までは{model}、その後は{own}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{moment} UTC, took {seconds:.1f} s</source>
   <translation>{moment} UTC、所要{seconds:.1f}秒</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{names}</source>
   <translation>{names}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/dataset.py" />
   <source>{names} and {rest:,} more</source>
   <translation>{names}、ほか{rest:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to learn from: merge them, or take one away</source>
   <translation>{names}は、どちらも学習用の画像を表す名前です: 統合するか、一方を除いてください</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to test with: merge them, or take one away</source>
   <translation>{names}は、どちらもテスト用の画像を表す名前です: 統合するか、一方を除いてください</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_folders.py" />
   <source>{names} are both called like the pictures to validate with: merge them, or take one away</source>
   <translation>{names}は、どちらも検証用の画像を表す名前です: 統合するか、一方を除いてください</translation>
  </message>
  <message numerus="yes">
   <location filename="../../desktop/core/data/recognise.py" />
   <source>{names} lie there: if the labels are in one of them, save it as a CSV table with a column of file names.</source>
   <extracomment>Where the count is one, English says: {names} lies there: if the labels are in it, save it as a CSV table with a column of file names.</extracomment>
   <translation>
    <numerusform>そこに{names}があります: ラベルがその中にあるなら、ファイル名の列があるCSV表として保存してください。</numerusform>
   </translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{name} ({id}) on '{title}'{split}</source>
   <translation>{name}({id})、'{title}'{split}で</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>{name} ({id}, version {version})</source>
   <translation>{name}({id}、バージョン{version})</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name} cannot be opened as a video: it is damaged, or of a kind that Fovea does not read</source>
   <translation>{name}を動画として開けません: 破損しているか、Foveaが読めない種類です</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name} does not answer</source>
   <translation>{name}が応答しません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name} gives no moving pictures</source>
   <translation>{name}は動画を出しません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} has schema {found}; {schema} expected</source>
   <translation>{name}のスキーマは{found}です。{schema}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/nettables.py" />
   <source>{name} has {count} numbers for {shape} channels</source>
   <translation>{name}の数は{count}個ですが、チャンネルは{shape}です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} holds more than {most_points} points</source>
   <translation>{name}には{most_points}個を超える点があります</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} holds no list of at most {most_strokes} strokes</source>
   <translation>{name}に最大{most_strokes}本の線の一覧がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} is no drawing of Fovea</source>
   <translation>{name}はFoveaの描画ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{name} is no drawing: {error}</source>
   <translation>{name}は描画ではありません: {error}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/teach.py" />
   <source>{name} was left out: {reason}</source>
   <translation>{name}を除きました: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: accuracy on {split}</source>
   <translation>{name}: {split}での正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/child.py" />
   <source>{name}: ended by the system, perhaps for lack of memory</source>
   <translation>{name}: システムにより終了。メモリ不足かもしれません</translation>
  </message>
  <message>
   <location filename="../../desktop/engine/camera_child.py" />
   <source>{name}: {reason}</source>
   <translation>{name}: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: {size:,} pictures, training {repeat} of {repeats}</source>
   <translation>{name}: 画像{size:,}枚、学習{repeat} / {repeats}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{name}: {size:,} pictures: accuracy on {split} {accuracy}</source>
   <translation>{name}: 画像{size:,}枚: {split}での正解率{accuracy}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest_parts.py" />
   <source>{n} drawn digits measured; a report as HTML ({st_size:,} bytes) and as PDF</source>
   <translation>描いた数字{n}個を測定。レポートはHTML({st_size:,}バイト)とPDF</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/packaging/package.py" />
   <source>{n} validation pictures set the limit of what is called foreign: about {refused:.0%} of other pictures of the model's own kind will be called so, or more</source>
   <translation>検証画像{n}枚で、見慣れないとみなす限界を定めました: モデル自身の種類の別の画像も、約{refused:.0%}またはそれ以上がそうみなされます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/result.py" />
   <source>{often:,} of these: {reason}.</source>
   <translation>そのうち{often:,}枚: {reason}。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: a copy of the only form that the model has: there is nothing to compare it with</source>
   <translation>{out}: このモデルの唯一の形式のコピー: 比較するものがありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: answers differ by {difference:.1e} at most over {pictures} pictures</source>
   <translation>{out}: 画像{pictures}枚で回答の差は最大{difference:.1e}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{out}: the whole model</source>
   <translation>{out}: モデル全体</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>{parameters} parameters on {device}; {train} training and {validation} validation pictures; {left}</source>
   <translation>{device}でパラメータ{parameters}個。学習画像{train}枚、検証画像{validation}枚。{left}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{place} ({kind})</source>
   <translation>{place}({kind})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{place}, part {part} of {parts}</source>
   <translation>{place}、部分{part} / {parts}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/predict.py" />
   <source>{place}, {frame}</source>
   <translation>{place}、{frame}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>{prefix}copies</source>
   <translation>{prefix}copies</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>{prefix}copies-across-splits</source>
   <translation>{prefix}copies-across-splits</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/findings.py" />
   <source>{prefix}label-conflict</source>
   <translation>{prefix}label-conflict</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>{reported} Fovea has not measured it.</source>
   <translation>{reported} Foveaでは測定していません。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{run_id} is in the trash; 'fovea runs restore {tokens}' takes it out again</source>
   <translation>{run_id}はゴミ箱にあります。'fovea runs restore {tokens}'で戻せます</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{samples} bands, {used} shown</source>
   <translation>{samples}バンド、うち{used}を表示</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{samples} channels where its colour model has {colours}</source>
   <translation>色モデルの{colours}チャンネルに対して{samples}チャンネル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/evaluate.py" />
   <source>{sentence}
Difference in accuracy: {value} ({bounds})</source>
   <translation>{sentence}
正解率の差: {value}({bounds})</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/assemble.py" />
   <source>{shared:,} of {count:,} persons or cases to check with have pictures that are learnt from, as the data's own splits have it: the figures promise too much</source>
   <translation>データ自身の分割では、検証用の{count:,}人または件のうち{shared:,}の画像が学習にも使われます: 数値は実力以上になります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models.py" />
   <source>{shown} … {count:,} in all</source>
   <translation>{shown} …全部で{count:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/study.py" />
   <source>{sizes:,} pictures to learn from are asked for, and there are {there:,}</source>
   <translation>学習用の画像{sizes:,}枚が求められましたが、{there:,}枚しかありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size} to download</source>
   <translation>ダウンロード{size}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size}, here</source>
   <translation>{size}、ここにあり</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/models_change.py" />
   <source>{size}: pip install {distribution}</source>
   <translation>{size}: pip install {distribution}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does better here, by {below:.3f} to {above:.3f}.</source>
   <translation>{start}。ここでは{below:.3f}から{above:.3f}良い結果です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does better here, by {points} to {points2} percentage points.</source>
   <translation>{start}。ここでは{points}から{points2}ポイント良い結果です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does worse here, by {points} to {points2} percentage points.</source>
   <translation>{start}。ここでは{points}から{points2}ポイント悪い結果です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; it does worse here, by {value:.3f} to {value2:.3f}.</source>
   <translation>{start}。ここでは{value:.3f}から{value2:.3f}悪い結果です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; more than chance explains: these differ from what it has learned from. They count in all figures here.</source>
   <translation>{start}。偶然で説明できる範囲を超えています: これらは学習に使われたものと異なります。ここのすべての数値に含まれます。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; that is no more than chance explains.</source>
   <translation>{start}。偶然で説明できる範囲です。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; the two are compatible; {n:,} images cannot rule out that it is up to {points} percentage points worse.</source>
   <translation>{start}。両者は矛盾しません。画像{n:,}枚では、最大{points}ポイント悪い可能性を除外できません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{start}; {few} or more images are needed for an answer.</source>
   <translation>{start}。答えるには{few}枚以上の画像が必要です。</translation>
  </message>
  <message>
   <location filename="../../desktop/store/catalogue.py" />
   <source>{summary} It knows the 1,000 classes of the ImageNet challenge of 2012.</source>
   <translation>{summary} 2012年のImageNetチャレンジの1,000クラスを知っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{text} is no number</source>
   <translation>{text}は数ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{text}: '{which}' is better on these images ({p}, {test}).</source>
   <translation>{text}: これらの画像では'{which}'のほうが良い結果です({p}、{test})。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/screenshot.py" />
   <source>{text}: expected {smallest} to {largest}x{largest}</source>
   <translation>{text}: {smallest}から{largest}x{largest}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{text}: no more than chance explains ({p}, {test}).</source>
   <translation>{text}: 偶然で説明できる範囲です({p}、{test})。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/train.py" />
   <source>{time} left</source>
   <translation>残り{time}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{title}: {total:,} pictures in {classes:,} classes</source>
   <translation>{title}: {classes:,}クラスの画像{total:,}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{title}: {total:,} pictures in {classes:,} classes, {broken:,} more do not open</source>
   <translation>{title}: {classes:,}クラスの画像{total:,}枚、ほか{broken:,}枚は開けません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/mnist_layout.py" />
   <source>{tones:.0%} of the picture is neither paper nor ink: it is no drawing</source>
   <translation>画像の{tones:.0%}が紙でもインクでもありません: これは描画ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/runs.py" />
   <source>{train:,} to learn from, {validation:,} to check with, {left_out:,} left out</source>
   <translation>学習用{train:,}、検証用{validation:,}、除外{left_out:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{truth} answered as {other}: of {total:,}</source>
   <translation>{truth}を{other}と回答: {total:,}枚中</translation>
  </message>
  <message>
   <location filename="../../desktop/report/html.py" />
   <source>{truth} answered as {other}: {share:.1%}</source>
   <translation>{truth}を{other}と回答: {share:.1%}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{used} bits a channel, the upper 8 used</source>
   <translation>チャンネルあたり{used}ビット、上位8ビットを使用</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/tiff/decode.py" />
   <source>{value:.1%} of the pixels hold no data, shown black</source>
   <translation>ピクセルの{value:.1%}にデータがなく、黒で表示</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/comparison.py" />
   <source>{value:.3f} of {n:,} images (95 % interval {low:.3f} to {high:.3f})</source>
   <translation>画像{n:,}枚で{value:.3f}(95 %区間{low:.3f}から{high:.3f})</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/selftest.py" />
   <source>{value} is missing</source>
   <translation>{value}がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/convert/export_litert.py" />
   <source>{value} is not part of this installation</source>
   <translation>{value}はこのインストールにありません</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{value}{unit} ({low} to {high})</source>
   <translation>{value}{unit}({low}から{high})</translation>
  </message>
  <message>
   <location filename="../../desktop/report/content.py" />
   <source>{value}{unit} ({low} to {high}, n = {n:,})</source>
   <translation>{value}{unit}({low}から{high}、n = {n:,})</translation>
  </message>
  <message>
   <location filename="../../desktop/app/teaching_models.py" />
   <source>{wanted} pictures labelled since then are needed to compare old and new; there are {count}</source>
   <translation>新旧の比較には、それ以降にラベルを付けた画像が{wanted}枚必要です。今は{count}枚です</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{what} could not be read: {reason}</source>
   <translation>{what}を読めませんでした: {reason}</translation>
  </message>
  <message>
   <location filename="../../desktop/store/model_limits.py" />
   <source>{what} has {count:,} characters, at most {most:,} expected ('{text}…')</source>
   <translation>{what}は{count:,}文字です。最大{most:,}文字です('{text}…')</translation>
  </message>
  <message>
   <location filename="../../desktop/store/project.py" />
   <source>{what} needs a name</source>
   <translation>{what}には名前が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} takes {size_words}, and {size_words2} are kept in reserve; {disk} has {size_words3} free</source>
   <translation>{what}は{size_words}必要で、{size_words2}を予備に残します。{disk}の空きは{size_words3}です</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {disk} is full</source>
   <translation>{what}は保存されませんでした: {disk}がいっぱいです</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {disk} may not be written to, or another program has the file open</source>
   <translation>{what}は保存されませんでした: {disk}に書き込めないか、別のプログラムがファイルを開いています</translation>
  </message>
  <message>
   <location filename="../../desktop/system/files.py" />
   <source>{what} was not saved: {reason_of}</source>
   <translation>{what}は保存されませんでした: {reason_of}</translation>
  </message>
  <message>
   <location filename="../../desktop/system/strict_json.py" />
   <source>{what}: the file was damaged ({error}). It was kept as {name}.</source>
   <translation>{what}: ファイルが破損していました({error})。{name}として残しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{what}: {done:,}</source>
   <translation>{what}: {done:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/data.py" />
   <source>{what}: {done:,} of {total:,}</source>
   <translation>{what}: {done:,} / {total:,}</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where} is not an object</source>
   <translation>{where}はオブジェクトではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: a number that is too large</source>
   <translation>{where}.{name}: 数が大きすぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: expected a list of {kind}</source>
   <translation>{where}.{name}: {kind}のリストが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/store/manifest.py" />
   <source>{where}.{name}: {name2} found, {value} expected</source>
   <translation>{where}.{name}: {name2}です。{value}のはずです</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: a label {min}; expected 0 or more</source>
   <translation>{where}: ラベル{min}。0以上が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: a width and a list of points expected</source>
   <translation>{where}: 太さと点の一覧が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: a width from {thinnest} to {widest} expected</source>
   <translation>{where}: {thinnest}から{widest}の太さが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: expected a list, found {name}</source>
   <translation>{where}: リストが必要ですが、{name}です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: fields {parts}</source>
   <translation>{where}: フィールド{parts}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: labels of {dtype} {shape}; {expected}</source>
   <translation>{where}: {dtype} {shape}のラベル。{expected}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: pictures of {dtype} {shape}; {expected}</source>
   <translation>{where}: {dtype} {shape}の画像。{expected}</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: points of two or three numbers expected</source>
   <translation>{where}: 2個または3個の数の点が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/drawings/strokes.py" />
   <source>{where}: points on the paper (0 to 1) and pressure 0 to 1 expected</source>
   <translation>{where}: 紙の上(0から1)の点と0から1の筆圧が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {name} found, {words} expected</source>
   <translation>{where}: {name}です。{words}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/read_arrays.py" />
   <source>{where}: {shape} labels for each picture; Fovea learns one class a picture</source>
   <translation>{where}: 画像ごとに{shape}個のラベル。Foveaは1枚につき1クラスを学習します</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {text} found, {words} expected</source>
   <translation>{where}: {text}です。{words}が必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/plans/strict_reader.py" />
   <source>{where}: {value} found; expected one of {map}</source>
   <translation>{where}: {value}です。{map}のどれかが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/core/pictures/dicom/grey_values.py" />
   <source>{window}: nothing of the picture lies in it</source>
   <translation>{window}: 画像の値が一つも入りません</translation>
  </message>
  <message>
   <location filename="../../desktop/core/data/layouts.py" />
   <source>{words}: {total:,} pictures in {count:,} classes, {classes}. For instance {shown}.</source>
   <translation>{words}: {count:,}クラスの画像{total:,}枚、{classes}。例: {shown}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ml/data/cache.py" />
   <source>{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}</source>
   <translation>{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/training.py" />
   <source>“{name}” is being trained by another process</source>
   <translation>「{name}」は別のプロセスが学習中です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/sort.py" />
   <source>… and {count:,} more</source>
   <translation>… ほか{count:,}</translation>
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
   <translation>全フレームに回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Classifies each frame by itself and lists the answers in the table</source>
   <translation>フレームを1枚ずつ分類し、回答を表に並べます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Frame</source>
   <translation>フレーム</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Frame </source>
   <extracomment>Before a number: frame 3 of 12. The blank at the end stays.</extracomment>
   <translation>フレーム </translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Frame before (↑ or the wheel)</source>
   <translation>前のフレーム(↑またはホイール)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/frame_bar.py" />
   <source>Next frame (↓ or the wheel)</source>
   <translation>次のフレーム(↓またはホイール)</translation>
  </message>
 </context>
 <context>
  <name>GalleryModel</name>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is right</source>
   <translation>ラベルは正しい</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is unsure</source>
   <translation>ラベルは不明</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>label is wrong</source>
   <translation>ラベルは誤り</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>{0}: answered '{1}' with {2}; it is '{3}', which got {4}</source>
   <translation>{0}: 回答は「{1}」({2})、正解は「{3}」(スコア{4})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_model.py" />
   <source>{0}: right, '{1}' with {2}</source>
   <translation>{0}: 正解、「{1}」({2})</translation>
  </message>
 </context>
 <context>
  <name>GalleryPane</name>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>1 picture</source>
   <translation>画像1枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>All classes</source>
   <translation>すべてのクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>All pictures</source>
   <translation>すべての画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Copy the pictures into a new folder…</source>
   <translation>画像を新しいフォルダーにコピー…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Export</source>
   <translation>エクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Exports all pictures listed here.</source>
   <translation>ここに並ぶすべての画像をエクスポートします。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Exports the selected pictures.</source>
   <translation>選択した画像をエクスポートします。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Key: {0}</source>
   <translation>キー: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Likely wrong labels</source>
   <translation>誤りらしいラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No mistake among the {0} pictures answered.</source>
   <translation>回答した画像{0}枚に誤りはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No mistake so far: {0} answered.</source>
   <translation>今のところ誤りなし: {0}枚に回答。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No name of these holds “{0}”.</source>
   <translation>これらに「{0}」を含む名前はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture is answered yet.</source>
   <translation>まだ回答した画像がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture is here.</source>
   <translation>ここに画像はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No picture was answered.</source>
   <translation>回答した画像はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>No wrong answer is so sure that its label would be doubtful.</source>
   <translation>ラベルが疑わしくなるほど確かな誤答はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Only pictures of this class</source>
   <translation>このクラスの画像だけ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Right, least sure first</source>
   <translation>正解、不確かなものから</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Save as a list (CSV)…</source>
   <translation>一覧で保存(CSV)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Search by name</source>
   <translation>名前で検索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Search pictures by name</source>
   <translation>画像を名前で検索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Take back what was last said of a label</source>
   <translation>直前のラベルの判断を取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>The label is</source>
   <translation>ラベルは</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>The label of the chosen pictures is {0}</source>
   <translation>選んだ画像のラベルは{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Undo</source>
   <translation>元に戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Which pictures</source>
   <translation>どの画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>Worst mistakes first</source>
   <translation>ひどい誤りから</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>any</source>
   <extracomment>A choice of a filter: whatever it is.</extracomment>
   <translation>すべて</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正しい</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>unsure</source>
   <extracomment>Neither right nor wrong: somebody cannot tell.</extracomment>
   <translation>不明</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>wrong</source>
   <extracomment>Not correct.</extracomment>
   <translation>誤り</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>{0} answered as {1}</source>
   <translation>{0}を{1}と回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/gallery_pane.py" />
   <source>{0} pictures</source>
   <translation>画像{0}枚</translation>
  </message>
 </context>
 <context>
  <name>HeaderDialog</name>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>DICOM header</source>
   <translation>DICOMヘッダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Filter by tag, name or value</source>
   <translation>タグ、名前、値で絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Filter the header</source>
   <translation>ヘッダーを絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Header of the file</source>
   <translation>ファイルのヘッダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Show names, numbers and dates of the patient and of the examination</source>
   <translation>患者と検査の名前、番号、日付を表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Tag</source>
   <translation>タグ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>Value</source>
   <translation>値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>hidden</source>
   <translation>非表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/header_dialog.py" />
   <source>{0} lines, {1} of them hidden</source>
   <translation>{0}行、うち非表示{1}行</translation>
  </message>
 </context>
 <context>
  <name>HeapRow</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>A heap of {0} pictures</source>
   <translation>画像{0}枚の山</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Choose this heap for merging</source>
   <translation>この山を統合対象に選ぶ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Label {0}</source>
   <translation>{0}枚にラベルを付ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Show</source>
   <translation>表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation>分割</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>What are these?</source>
   <translation>これらは何ですか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>What these pictures are</source>
   <translation>これらの画像が何か</translation>
  </message>
 </context>
 <context>
  <name>HeapsDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Close</source>
   <translation>閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Every picture has a label.</source>
   <translation>すべての画像にラベルがあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Group Alike</source>
   <translation>似たものをまとめる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Grouping…</source>
   <translation>まとめています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Heaps</source>
   <translation>山</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Learning has stopped.</source>
   <translation>学習が止まりました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Merge the chosen</source>
   <translation>選んだものを統合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Number of heaps</source>
   <translation>山の数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Pictures without a label, in heaps that are alike. Name a heap, and all its pictures have that label.</source>
   <translation>ラベルのない画像を、似たもの同士の山にしました。山に名前を付けると、そのすべての画像にそのラベルが付きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Splitting…</source>
   <translation>分けています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>as many as suit</source>
   <translation>適した数だけ</translation>
  </message>
 </context>
 <context>
  <name>HeatLegend</name>
  <message>
   <location filename="../../desktop/ui/widgets/heat.py" />
   <source>Colours of the map, from nothing to most</source>
   <translation>マップの色(ゼロから最大まで)</translation>
  </message>
 </context>
 <context>
  <name>HeatPicture</name>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>Bright: what speaks for ‘{0}’ ({1}, model {2})</source>
   <translation>明るい所: 「{0}」を示す部分({1}、モデル{2})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>Grad-CAM</source>
   <translation>Grad-CAM</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>It shows where the network looked, not that its answer is right.</source>
   <translation>これはネットワークが見た場所を示すもので、回答が正しいことを示すものではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>class activation map</source>
   <translation>クラス活性化マップ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation>ゼロ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>occlusion</source>
   <translation>遮蔽</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>speaks most for the class</source>
   <translation>クラスを最も強く示す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/heat_picture.py" />
   <source>– not finished: {0} of {1} parts</source>
   <translation>– 未完了: {1}か所中{0}か所</translation>
  </message>
 </context>
 <context>
  <name>HelpWindow</name>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Back</source>
   <extracomment>Button of a wizard: the page before.</extracomment>
   <translation>戻る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Forward</source>
   <translation>進む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Found in 1 place</source>
   <translation>1か所で見つかりました</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Found in {0} places</source>
   <translation>{0}か所で見つかりました</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Fovea Help</source>
   <translation>Foveaヘルプ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Larger text</source>
   <translation>文字を大きく</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Nothing found. Try fewer words, or the beginning of one.</source>
   <translation>見つかりません。語を減らすか、語の先頭だけで試してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Pages of the help</source>
   <translation>ヘルプのページ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Search the help</source>
   <translation>ヘルプ内を検索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>Smaller text</source>
   <translation>文字を小さく</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>The first page</source>
   <translation>最初のページ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>The help cannot be read: {0}</source>
   <translation>ヘルプを読めません: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/help/window.py" />
   <source>{0} – Fovea Help</source>
   <translation>{0} – Foveaヘルプ</translation>
  </message>
 </context>
 <context>
  <name>HereTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Does it work here?</source>
   <translation>ここで役立つか</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Figure</source>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Figures here and on the model's card</source>
   <translation>ここでの数値とモデルカードの数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Here it is {0} on {1} images.</source>
   <translation>ここでは画像{1}枚で{0}です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It does better here than its card says</source>
   <translation>ここではカードの値より良い結果です</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It does worse here than its card says</source>
   <translation>ここではカードの値より悪い結果です</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>It fits its card, if these pictures are new to it</source>
   <translation>カードと合っています(これらの画像がモデルにとって新しい場合)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>No answer yet: the evaluation was stopped before all pictures were answered</source>
   <translation>まだ答えられません: すべての画像に回答する前に評価が止められました</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>No answer: these may be the pictures that the card was measured on</source>
   <translation>答えられません: これらはカードの測定に使われた画像かもしれません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Not compared: this threshold is not the model's own</source>
   <translation>比較しません: このしきい値はモデル自身のものではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>The model's card gives no accuracy to compare with.</source>
   <translation>モデルカードには比較する正解率がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>The model's card: {0}, split {1}</source>
   <translation>モデルカード: {0}、分割{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>There is no figure to compare with</source>
   <translation>比較する数値がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>These pictures differ from those that it has learned from</source>
   <translation>これらの画像は、学習に使われた画像と異なります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>This compares the same figures on two sets of pictures. 'Compatible' means that the intervals leave room for no difference, not that there is none; more pictures tell more. Your pictures should be such as the model will really be given, and labelled without looking at its answers.</source>
   <translation>同じ数値を二組の画像で比較しています。「矛盾しない」とは、差がないとしても区間に収まるという意味で、差がないという意味ではありません。画像が多いほどよくわかります。画像は、モデルに実際に与えるようなもので、モデルの回答を見ずにラベルを付けたものにしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Too few pictures for an answer</source>
   <translation>答えるには画像が少なすぎます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Value (95 % interval)</source>
   <translation>値(95 %区間)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>What Fovea does not know: whether the model has learned from these very pictures, or from others of the same people or things; whether the card was measured on them; and whether their labels are right. If any of this is so, the figures here say nothing on new pictures.</source>
   <translation>Foveaにわからないこと: モデルがこれらの画像そのもの、または同じ人や物の別の画像から学習したか、カードがこれらで測定されたか、ラベルが正しいか。どれかに当てはまる場合、ここの数値は新しい画像について何も示しません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>Where</source>
   <extracomment>Head of a column: here, or on the model's card.</extracomment>
   <translation>場所</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/here_tab.py" />
   <source>no number of images</source>
   <translation>画像数なし</translation>
  </message>
 </context>
 <context>
  <name>ImageDelegate</name>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>no result</source>
   <translation>結果なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>unfamiliar kind</source>
   <translation>見慣れない種類</translation>
  </message>
 </context>
 <context>
  <name>ImageList</name>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>1 image removed; its file stays.</source>
   <translation>画像1枚を外しました。ファイルは残っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>All images</source>
   <translation>すべての画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Camera (Ctrl+K)</source>
   <translation>カメラ(Ctrl+K)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Filter by name</source>
   <translation>名前で絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Filter images by name</source>
   <translation>画像を名前で絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Listed are those: {0}. Escape lists all.</source>
   <translation>表示中: {0}。Escapeですべて表示。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No images yet.
Drop files or folders here.</source>
   <translation>まだ画像がありません。
ファイルやフォルダーをここにドロップしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No name holds “{0}”.</source>
   <translation>「{0}」を含む名前はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>No such image.</source>
   <translation>該当する画像はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Not its kind</source>
   <translation>種類違い</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Open the camera</source>
   <translation>カメラを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Show as a grid</source>
   <translation>格子で表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Show as rows</source>
   <translation>行で表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Undo</source>
   <translation>元に戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Undo what was done last</source>
   <translation>直前の操作を元に戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Which images are listed</source>
   <translation>一覧に出す画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Which images are listed: {0}</source>
   <translation>一覧に出す画像: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>With a note</source>
   <translation>メモ付き</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>With a star</source>
   <translation>星付き</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>With the answer</source>
   <translation>回答が次のもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>Without a result</source>
   <translation>結果なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>all</source>
   <translation>すべて</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} images removed; their files stay.</source>
   <translation>画像{0}枚を外しました。ファイルは残っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/image_list.py" />
   <source>{0} of {1} images</source>
   <translation>画像{1}枚中{0}枚</translation>
  </message>
 </context>
 <context>
  <name>ImagesModel</name>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>Note: {0}</source>
   <translation>メモ: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>no answer: it is not the kind of picture that the model learned from</source>
   <translation>回答なし: モデルが学習した種類の画像ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>note: {0}</source>
   <translation>メモ: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>with a star</source>
   <translation>星付き</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/images_model.py" />
   <source>{0}, no result: {1}</source>
   <translation>{0}、結果なし: {1}</translation>
  </message>
 </context>
 <context>
  <name>ImportDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>A file of class names</source>
   <translation>クラス名のファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Choose…</source>
   <translation>選択…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Classes</source>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>For its card; may stay empty</source>
   <translation>カード用。空でもかまいません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From a file…</source>
   <translation>ファイルから…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>ImageNet's 1,000</source>
   <translation>ImageNetの1,000</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Import</source>
   <translation>インポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Import {0}</source>
   <translation>{0}をインポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It begins with a layer that scales: pixels most likely go in as they are, 0 to 255.</source>
   <translation>最初に拡縮の層があります: おそらくピクセルは0から255のまま入ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It is about medical pictures. {0}</source>
   <translation>医療画像に関するものです。{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>It takes {0} pictures of {1} and tells {2} classes apart.</source>
   <translation>{1}の画像を{0}枚受け取り、{2}クラスを見分けます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Its outputs are</source>
   <translation>出力は</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Licence</source>
   <translation>ライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>One class a line, in the order of the network's outputs</source>
   <translation>1行に1クラス、ネットワークの出力の順</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pictures were</source>
   <translation>画像は</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Pixels were given as</source>
   <translation>ピクセルの与え方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Probabilities (they sum to 1)</source>
   <translation>確率(合計1)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Raw values (logits)</source>
   <translation>生の値(ロジット)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Scaled whole, the rest padded</source>
   <translation>全体を拡縮し、残りに余白</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Scaled, and the middle cut out</source>
   <translation>拡縮して中央を切り抜く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Size (width × height)</source>
   <translation>大きさ(幅×高さ)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Still to be told: {0}.</source>
   <translation>まだ必要な情報: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Stretched to that size</source>
   <translation>その大きさに引き伸ばす</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Text or JSON (*.txt *.json *.csv)</source>
   <translation>テキストまたはJSON (*.txt *.json *.csv)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The file does not say the rest, and Fovea does not guess: wrong answers would look like right ones.</source>
   <translation>ファイルには残りの情報がなく、Foveaは推測しません: 誤った回答が正しく見えてしまうからです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Trained on</source>
   <translation>学習データ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>any size</source>
   <translation>任意の大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>colour</source>
   <translation>カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} classes are named, the network has {1}.</source>
   <translation>クラス名は{0}個ですが、ネットワークは{1}クラスです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} parameters.</source>
   <translation>パラメータ{0}個。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>{0} pixels</source>
   <translation>{0}ピクセル</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0から1(255で割る)</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0から1、ImageNetの平均を引き、その標準偏差で割る(PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0から255、そのまま</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">青、緑、赤、ImageNetの平均を引く(Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">画像の大きさの合わせ方</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">ピクセルの与え方</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">クラス</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">名前</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">大きさ</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">出力の種類</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1から1</translation>
  </message>
 </context>
 <context>
  <name>InstallDialog</name>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Continue ({0} already downloaded)</source>
   <translation>続ける({0}はダウンロード済み)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Download</source>
   <translation>ダウンロード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Fovea compares the file's hash with the published one and installs nothing else. Fovea's authors have not downloaded the file themselves; the first one that passes is remembered by its SHA-256.</source>
   <translation>Foveaはファイルのハッシュを公開されたものと比べ、一致しないものはインストールしません。Foveaの作者自身はこのファイルをダウンロードしていません。最初に一致したものをSHA-256で記憶します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Free disk needed for a while</source>
   <translation>一時的に必要なディスク容量</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From</source>
   <translation>入手元</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>From a file…</source>
   <translation>ファイルから…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Install</source>
   <translation>インストール</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Install {0}</source>
   <translation>{0}をインストール</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Licence</source>
   <translation>ライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>MD5 as published</source>
   <translation>公開されたMD5</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>SHA-256</source>
   <translation>SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The file of weights</source>
   <translation>重みのファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>The weights came with the installation: nothing is fetched. Fovea compares their hash with the one that its authors computed, builds the network and converts it, in about a minute.</source>
   <translation>重みはインストール時に付いてきたので、何も取得しません。Foveaはそのハッシュを作者が計算したものと比べ、ネットワークを組み立てて変換します。約1分かかります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights (*.h5 *.hdf5)</source>
   <translation>重み (*.h5 *.hdf5)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights in 16 bits: half the size; scores differ by up to 0.01</source>
   <translation>16ビットの重み: 半分の大きさ。スコアの差は最大0.01</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>Weights in 32 bits: as published</source>
   <translation>32ビットの重み: 公開時のまま</translation>
  </message>
  <message>
   <source>0 to 1 (divided by 255)</source>
   <translation type="vanished">0から1(255で割る)</translation>
  </message>
  <message>
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation type="vanished">0から1、ImageNetの平均を引き、その標準偏差で割る(PyTorch)</translation>
  </message>
  <message>
   <source>0 to 255, as they are</source>
   <translation type="vanished">0から255、そのまま</translation>
  </message>
  <message>
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation type="vanished">青、緑、赤、ImageNetの平均を引く(Caffe)</translation>
  </message>
  <message>
   <source>how pictures got their size</source>
   <translation type="vanished">画像の大きさの合わせ方</translation>
  </message>
  <message>
   <source>how pixels were given</source>
   <translation type="vanished">ピクセルの与え方</translation>
  </message>
  <message>
   <source>its classes</source>
   <translation type="vanished">クラス</translation>
  </message>
  <message>
   <source>its name</source>
   <translation type="vanished">名前</translation>
  </message>
  <message>
   <source>its size</source>
   <translation type="vanished">大きさ</translation>
  </message>
  <message>
   <source>what its outputs are</source>
   <translation type="vanished">出力の種類</translation>
  </message>
  <message>
   <source>−1 to 1</source>
   <translation type="vanished">−1から1</translation>
  </message>
 </context>
 <context>
  <name>Installer</name>
  <message>
   <location filename="../../installers/linux_files/fovea.desktop" />
   <source>Classify images and train classifiers on this computer</source>
   <extracomment>In the menu of programs.</extracomment>
   <translation>このコンピューターで画像を分類し、分類器を学習させます</translation>
  </message>
  <message>
   <location filename="../../installers/linux_files/fovea.desktop" />
   <source>Image Classifier</source>
   <extracomment>In the menu of programs.</extracomment>
   <translation>画像分類ソフト</translation>
  </message>
  <message>
   <location filename="../../installers/linux_files/fovea.desktop" />
   <source>classify;image;X-ray;DICOM;neural network;</source>
   <extracomment>Words to search for, each ended by ';'.</extracomment>
   <translation>分類;画像;X線;レントゲン;DICOM;ニューラルネットワーク;</translation>
  </message>
 </context>
 <context>
  <name>Intake</name>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>That is a web address. Fovea works offline: save the picture, then open it.</source>
   <translation>これはウェブアドレスです。Foveaはオフラインで動きます: 画像を保存してから開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>The text on the clipboard is not the path of a file. Copy an image or a file.</source>
   <translation>クリップボードのテキストはファイルのパスではありません。画像またはファイルをコピーしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/clipboard.py" />
   <source>There is no image and no file on the clipboard. Copy one, then paste it here.</source>
   <translation>クリップボードに画像もファイルもありません。コピーしてからここに貼り付けてください。</translation>
  </message>
 </context>
 <context>
  <name>JobBar</name>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Ending…</source>
   <translation>終了しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Pause</source>
   <translation>一時停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Paused. What was fetched is kept.</source>
   <translation>一時停止中。取得したものは残っています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/job_bar.py" />
   <source>Progress</source>
   <translation>進み具合</translation>
  </message>
 </context>
 <context>
  <name>JobList</name>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>Trainings</source>
   <translation>学習</translation>
  </message>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最良のエポック: {0}</translation>
  </message>
 </context>
 <context>
  <name>JobPage</name>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Cancel…</source>
   <translation>キャンセル…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Card</source>
   <extracomment>A model's card: the page that says what it is for and how good it is ('model card').</extracomment>
   <translation>カード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Earlier</source>
   <extracomment>Button: move up in the queue of trainings.</extracomment>
   <translation>前へ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>End after this epoch and make a model of the best one so far</source>
   <translation>このエポックで終了し、これまでで最良のものからモデルを作ります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Go on from epoch {0}</source>
   <translation>エポック{0}から続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Later</source>
   <extracomment>Button: move down in the queue of trainings.</extracomment>
   <translation>後へ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Make the model</source>
   <translation>モデルを作成</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Pause</source>
   <translation>一時停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Progress of the training</source>
   <translation>学習の進み具合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Remove from the list</source>
   <translation>一覧から外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Save curves…</source>
   <translation>曲線を保存…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>See its validation errors</source>
   <translation>検証での誤りを見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Start</source>
   <translation>開始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Start again</source>
   <translation>再開する</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Stop after this epoch</source>
   <translation>このエポックで停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Take out of the queue</source>
   <translation>キューから外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_page.py" />
   <source>Use it in Classify</source>
   <translation>「分類」で使う</translation>
  </message>
 </context>
 <context>
  <name>JobsModel</name>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最良のエポック: {0}</translation>
  </message>
 </context>
 <context>
  <name>JobsTab</name>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>New training…</source>
   <translation>新しい学習…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/jobs_tab.py" />
   <source>Start from a plan file…</source>
   <translation>計画ファイルから始める…</translation>
  </message>
 </context>
 <context>
  <name>Judging</name>
  <message>
   <location filename="../../desktop/ui/evaluate/judging.py" />
   <source>What you said of this label is not kept: the evaluation did not come to its end.</source>
   <translation>このラベルについての判断は保存されません: 評価が最後まで終わっていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/judging.py" />
   <source>What you said of {0} labels is not kept: the evaluation did not come to its end.</source>
   <translation>ラベル{0}件についての判断は保存されません: 評価が最後まで終わっていません。</translation>
  </message>
 </context>
 <context>
  <name>Keeping</name>
  <message>
   <location filename="../../desktop/ui/draw/keeping.py" />
   <source>No ink was found: there is nothing to keep.</source>
   <translation>インクが見つからないため、保存するものがありません。</translation>
  </message>
 </context>
 <context>
  <name>KeptPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>1 evaluation deleted.</source>
   <translation>評価1件を削除しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Delete</source>
   <translation>削除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Delete the chosen evaluations</source>
   <translation>選んだ評価を削除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Kept evaluations</source>
   <translation>保存した評価</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Open</source>
   <translation>開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Open the chosen evaluation</source>
   <translation>選んだ評価を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Take the deletion back</source>
   <translation>削除を取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>They open at once, without asking the model again.</source>
   <translation>モデルに再び求めることなく、すぐに開きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>Undo</source>
   <translation>元に戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>and {0} older ones</source>
   <translation>ほか古いもの{0}件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>incomplete</source>
   <translation>未完了</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>right: {0}</source>
   <translation>正解: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>threshold {0} chosen</source>
   <translation>しきい値{0}を選択</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/kept_part.py" />
   <source>{0} evaluations deleted.</source>
   <translation>評価{0}件を削除しました。</translation>
  </message>
 </context>
 <context>
  <name>Keys</name>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>A new sheet; can be undone</source>
   <translation>新しい用紙。元に戻せます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>A picture looked at large</source>
   <translation>拡大表示した画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>A series, or a file of several frames</source>
   <translation>シリーズ、または複数フレームのファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Actual size</source>
   <translation>実寸</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Back</source>
   <extracomment>Button of a wizard: the page before.</extracomment>
   <translation>戻る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Back from the large picture</source>
   <translation>拡大画像から戻る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Back, forward</source>
   <translation>戻る、進む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Choosing a model</source>
   <translation>モデルの選択</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Classify: the list of images</source>
   <translation>分類: 画像の一覧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Classify: the scores of the classes</source>
   <translation>分類: クラスのスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Copy the picture, or the files that are selected</source>
   <translation>画像、または選択したファイルをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Copy the scores, where the keyboard is on them</source>
   <translation>スコアにフォーカスがあるとき、スコアをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Delete the chosen evaluations</source>
   <translation>選んだ評価を削除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Delete the chosen runs; Undo brings them back</source>
   <translation>選んだ実行を削除。「元に戻す」で戻ります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Draw: the sheet</source>
   <translation>描画: 用紙</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Drop the stroke that is being drawn</source>
   <translation>描きかけの線を取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>End the search, then close the help</source>
   <translation>検索を終え、次にヘルプを閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Enlarge what the network saw</source>
   <translation>ネットワークが見たものを拡大</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation>評価</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Filter by name</source>
   <translation>名前で絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Fit to the window</source>
   <translation>ウィンドウに合わせる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Go through the images</source>
   <translation>画像を順に見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Go through the images by pages, to the ends</source>
   <translation>画像をページ単位で、または端まで移動</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Go to the picture</source>
   <translation>画像へ移動</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>In Teach, held: record as the class of that key</source>
   <translation>「教える」で押し続ける: そのキーのクラスとして記録</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Keep the drawing with this true label</source>
   <translation>この正解ラベルで描画を保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Keep the frame that is shown</source>
   <translation>表示中のフレームを保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Label the pictures with the class of that key</source>
   <translation>そのキーのクラスで画像にラベルを付ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Larger text, smaller, as at first</source>
   <translation>文字を大きく、小さく、最初の大きさに</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Look at the image large</source>
   <translation>画像を大きく見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Move a waiting training</source>
   <translation>待機中の学習を移動</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Move an enlarged picture; Shift: finer</source>
   <translation>拡大した画像を動かす。Shift: 細かく</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Of a picture that was opened: the one before, the next</source>
   <translation>開いた画像の前・次</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Of several digits: the one whose scores are shown</source>
   <translation>複数の数字のうち、スコアが表示されているもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Open the list of models</source>
   <translation>モデルの一覧を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Pen, eraser (unless a class has that letter)</source>
   <translation>ペン、消しゴム(クラスがその文字を使う場合を除く)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Pictures, in every view</source>
   <translation>すべてのビューの画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Remove from the list; the file stays</source>
   <translation>一覧から外す。ファイルは残ります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Remove from the project; the file stays</source>
   <translation>プロジェクトから外す。ファイルは残ります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Remove the class; Undo brings it back</source>
   <translation>クラスを削除。「元に戻す」で戻ります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Rename the class</source>
   <translation>クラスの名前を変更</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Search the help</source>
   <translation>ヘルプ内を検索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Search the pictures by name</source>
   <translation>画像を名前で検索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show all mistakes again</source>
   <translation>すべての誤りを再び表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show all names again</source>
   <translation>すべての名前を再び表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show the cell's pictures; open the picture</source>
   <translation>セルの画像を表示、画像を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Show the picture large</source>
   <translation>画像を大きく表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Star the pictures</source>
   <translation>画像に星を付ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Take a training off the list</source>
   <translation>学習を一覧から外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Take the label back</source>
   <translation>ラベルを取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Take the suggestion</source>
   <translation>提案を採用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Teach: a picture shown large</source>
   <translation>教える: 大きく表示した画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Teach: the classes</source>
   <translation>教える: クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Teach: the pictures</source>
   <translation>教える: 画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Ten frames back or on, to the ends</source>
   <translation>10フレーム戻る・進む、端まで</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The camera</source>
   <translation>カメラ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The first page</source>
   <translation>最初のページ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The frame before, the next one; so does the wheel</source>
   <translation>前・次のフレーム(ホイールでも可)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The help</source>
   <translation>ヘルプ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The image before, the next one</source>
   <translation>前・次の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The label of the picture is right, wrong, unsure</source>
   <translation>画像のラベルは正しい、誤り、不明</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The menu of an image, a row, a bar or a map</source>
   <translation>画像・行・棒・マップのメニュー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The next place found, the one before</source>
   <translation>次・前の検索結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>The wizard's step before, the next</source>
   <translation>ウィザードの前・次の手順</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Train</source>
   <extracomment>A view of the window: train a model on pictures (machine learning).</extracomment>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Train: the list of runs</source>
   <translation>学習: 実行の一覧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Turn the camera off and close it</source>
   <translation>カメラを切って閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>Zoom in, zoom out</source>
   <translation>拡大、縮小</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>digits</source>
   <translation>数字</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/keys.py" />
   <source>letters</source>
   <translation>文字</translation>
  </message>
 </context>
 <context>
  <name>KindChart</name>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>Distance from the training pictures</source>
   <translation>学習画像からの距離</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>This picture: {0}. Limit: 1. 95 of 100 of the model's own pictures lie below it.</source>
   <translation>この画像: {0}。限界: 1。モデル自身の画像100枚中95枚はこれより下です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>its own pictures</source>
   <translation>自身の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>limit</source>
   <translation>限界</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/kind_chart.py" />
   <source>this picture</source>
   <translation>この画像</translation>
  </message>
 </context>
 <context>
  <name>LargeLook</name>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>This image cannot be shown.</source>
   <translation>この画像は表示できません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>{0}, frame {1} of {2}</source>
   <translation>{0}、フレーム{1} / {2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/large_look.py" />
   <source>← → other images · + − zoom · Esc closes</source>
   <translation>← → ほかの画像 · + − 拡大縮小 · Escで閉じる</translation>
  </message>
 </context>
 <context>
  <name>LargePicture</name>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Close</source>
   <translation>閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Key: {0}</source>
   <translation>キー: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Next</source>
   <translation>次へ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>Previous</source>
   <translation>前へ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The label is</source>
   <translation>ラベルは</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The label of this picture is {0}</source>
   <translation>この画像のラベルは{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>The picture is not where it was.</source>
   <translation>画像が元の場所にありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>This picture cannot be shown.</source>
   <translation>この画像は表示できません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>You said: {0}.</source>
   <translation>あなたの判断: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正しい</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>unsure</source>
   <extracomment>Neither right nor wrong: somebody cannot tell.</extracomment>
   <translation>不明</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/large.py" />
   <source>wrong</source>
   <extracomment>Not correct.</extracomment>
   <translation>誤り</translation>
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
   <translation>前回の画像のうち{0}枚は、もう元の場所にありません。</translation>
  </message>
 </context>
 <context>
  <name>LayersTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>It came as .tflite: its operations are {0}</source>
   <translation>.tfliteとして取り込まれました。演算は{0}です</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Its layers can be listed once it is installed.</source>
   <translation>層の一覧はインストール後に見られます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Kind</source>
   <translation>種類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Layer</source>
   <translation>層</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Layers</source>
   <translation>層</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Settings</source>
   <translation>設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>What its first layer looks for (grey: no weight)</source>
   <translation>最初の層が探すもの(灰色: 重みなし)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>{0} layers, {1} parameters</source>
   <translation>{0}層、パラメータ{1}個</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">検証結果</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">入手元</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">クレジット</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">ライセンス</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">ネットワーク</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">パラメータ</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">報告値</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">ダウンロードの大きさ</translation>
  </message>
 </context>
 <context>
  <name>LayoutPanel</name>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Compare the examples with your pictures before you confirm. Your files stay as they are.</source>
   <translation>確定する前に、例をあなたの画像と比べてください。ファイルはそのままです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>How the labels were recognised</source>
   <translation>ラベルの読み取り方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>No: open another folder…</source>
   <translation>いいえ: 別のフォルダーを開く…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>The folders do not name the classes. This was recognised:</source>
   <translation>フォルダー名はクラスを示していません。次のように読み取りました:</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>Yes, read the labels this way</source>
   <translation>はい、このようにラベルを読む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>and {0} more</source>
   <translation>ほか{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/layout_panel.py" />
   <source>{0} pictures in {1} classes: {2}</source>
   <translation>{1}クラスの画像{0}枚: {2}</translation>
  </message>
 </context>
 <context>
  <name>LearnedCard</name>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>(Between {0} and {1}.)</source>
   <translation>({0}から{1}の間。)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>95 % interval</source>
   <translation>95 %区間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Accuracy against the number of labels</source>
   <translation>ラベル数と正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Another {0} labels would probably bring about {1}.</source>
   <translation>あと{0}件のラベルで、おそらく約{1}になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>It begins to suggest when there is {0}.</source>
   <translation>{0}があると提案し始めます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Label a few pictures of two classes: then it begins to suggest.</source>
   <translation>2クラスの画像に数枚ずつラベルを付けると、提案し始めます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Label some of ‘Most uncertain first’ or ‘Drawn at random’: then it can be measured.</source>
   <translation>「不確かなものから」または「無作為」の画像にいくつかラベルを付けてください: そうすれば測定できます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Make it a model…</source>
   <translation>モデルにする…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>Too few labels to say how often it is right.</source>
   <translation>どれだけ正しいかを言うにはラベルが少なすぎます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>What it has learned</source>
   <translation>学習したこと</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>With {0} labels: {1}, {2}</source>
   <translation>ラベル{0}件: {1}、{2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>accuracy</source>
   <translation>正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>labels</source>
   <translation>ラベル数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>{0} right</source>
   <translation>{0}正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/learned_card.py" />
   <source>{0}. On {1} labelled pictures that were drawn at random, each left out, with its copies, while it learned.</source>
   <translation>{0}。無作為に選んでラベルを付けた画像{1}枚で測定。各画像とそのコピーを除いて学習しています。</translation>
  </message>
 </context>
 <context>
  <name>LeftQuestion</name>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Not now</source>
   <translation>今はしない</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Trainings were cut off when Fovea ended last: {0}. Go on with them?</source>
   <translation>前回Foveaが終了したとき中断された学習: {0}。続けますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>Unfinished trainings</source>
   <translation>終わっていない学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>{0} of {1} epochs are done; it goes on from there, with its curves.</source>
   <translation>{1}エポック中{0}エポックが完了。曲線とともに、そこから続きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/asking.py" />
   <source>“{0}” was cut off when Fovea ended last. Go on with it?</source>
   <translation>「{0}」は前回Foveaが終了したとき中断されました。続けますか?</translation>
  </message>
 </context>
 <context>
  <name>LicencesDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Component</source>
   <translation>コンポーネント</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Components</source>
   <translation>コンポーネント</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Filter by name or licence</source>
   <translation>名前またはライセンスで絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Filter the components</source>
   <translation>コンポーネントを絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Fovea is free software under the Apache License 2.0. It is made of {0} components:</source>
   <translation>FoveaはApache License 2.0の自由ソフトウェアです。{0}個のコンポーネントからできています:</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Licence</source>
   <translation>ライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Licences</source>
   <translation>ライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Qt and PySide6 are used under the GNU Lesser General Public License, version 3. Their libraries are files of their own beside the program: you may replace them by your own build. The program's documentation says how, under 'licences'.</source>
   <translation>QtとPySide6はGNU Lesser General Public Licenseバージョン3で使用しています。そのライブラリはプログラムの横にある独立したファイルで、自分でビルドしたものに置き換えられます。方法はプログラムの文書の'licences'にあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Reading the list …</source>
   <translation>一覧を読んでいます …</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>Source: {0}</source>
   <translation>入手元: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>The licence's text</source>
   <translation>ライセンスの本文</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>The list of components cannot be read. Install Fovea again.</source>
   <translation>コンポーネントの一覧を読めません。Foveaを再インストールしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/licences.py" />
   <source>This package brings no text of its licence.</source>
   <translation>このパッケージにはライセンスの本文が付いていません。</translation>
  </message>
 </context>
 <context>
  <name>MainWindow</name>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Edit</source>
   <translation>編集(&amp;E)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;File</source>
   <translation>ファイル(&amp;F)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Help</source>
   <translation>ヘルプ(&amp;H)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;Model</source>
   <translation>モデル(&amp;M)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>&amp;View</source>
   <translation>表示(&amp;V)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Classify</source>
   <extracomment>A view of the window: sort pictures into classes.</extracomment>
   <translation>分類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Classify images</source>
   <translation>画像を分類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Draw</source>
   <extracomment>A view of the window: draw digits by hand. An imperative, or a noun as a tab has it.</extracomment>
   <translation>描画</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Draw digits and see them read</source>
   <translation>数字を描いて読み取らせる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Drop images or folders to classify them</source>
   <translation>画像やフォルダーをドロップすると分類します</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation>評価</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Fovea speaks the chosen language from its next start on.</source>
   <translation>選んだ言語はFoveaの次回起動時から使われます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Images ({0})</source>
   <translation>画像({0})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Install, import, export and look after models</source>
   <translation>モデルのインストール、インポート、エクスポート、管理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Label pictures and see at once what is learned</source>
   <translation>画像にラベルを付け、学習の結果をすぐに見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Models</source>
   <extracomment>A view of the window: trained models (networks), not people or cars.</extracomment>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Open Images</source>
   <translation>画像を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>Open a Folder of Images</source>
   <translation>画像のフォルダーを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>See how good a model is</source>
   <translation>モデルの良さを測る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Teach</source>
   <translation>教える</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/main_window.py" />
   <source>The other program would only move this, and Fovea moves nothing. Open it here.</source>
   <translation>相手のプログラムは移動しか許していませんが、Foveaは何も移動しません。ここで開いてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Train</source>
   <extracomment>A view of the window: train a model on pictures (machine learning).</extracomment>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/views.py" />
   <source>Train a model on your own pictures</source>
   <translation>自分の画像でモデルを学習させる</translation>
  </message>
 </context>
 <context>
  <name>MakingDialog</name>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>A model of {0} classes from {1} labelled pictures, with calibrated scores, a check whether a picture is of its kind, and a card that says how good it is. It appears among your models and works without this project.</source>
   <translation>ラベル付き画像{1}枚から作る{0}クラスのモデル。校正済みのスコア、種類が合う画像かどうかの確認、良さを示すカードが付きます。モデルの一覧に表示され、このプロジェクトなしで動きます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Make It a Model</source>
   <translation>モデルにする</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Make the model</source>
   <translation>モデルを作成</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Name of the model</source>
   <translation>モデルの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Quick: what it has learned here (well under a minute)</source>
   <translation>速く: ここで学習したもの(1分もかかりません)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/making.py" />
   <source>Thorough: the network itself learns your pictures as well (many minutes)</source>
   <translation>入念に: ネットワーク自体もあなたの画像を学習します(かなりの時間)</translation>
  </message>
 </context>
 <context>
  <name>MappingDialog</name>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>1 class is undecided.</source>
   <translation>1クラスが未決定です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>At least one class must mean a label.</source>
   <translation>少なくとも1クラスにラベルを対応させてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Choose…</source>
   <translation>選択…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Class of the data</source>
   <translation>データのクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Label for the class {0}</source>
   <translation>クラス{0}のラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Label of the model</source>
   <translation>モデルのラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Leave this class out</source>
   <translation>このクラスを除く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Match Class Names</source>
   <translation>クラス名の対応付け</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>The folder's class names are not the model's labels. Say which label each class means; a class that is left out is not evaluated. Fovea remembers this for the model and these names.</source>
   <translation>フォルダーのクラス名がモデルのラベルと異なります。各クラスがどのラベルかを指定してください。除いたクラスは評価されません。Foveaはこのモデルとこれらの名前についてこれを覚えます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>The numbers are the model's own label numbers</source>
   <translation>番号はモデル自身のラベル番号</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>Use these</source>
   <translation>これを使う</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/mapping.py" />
   <source>{0} classes are undecided.</source>
   <translation>{0}クラスが未決定です。</translation>
  </message>
 </context>
 <context>
  <name>MatrixModel</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>'{0}' answered as '{1}': {2} images, {3} of the {4} answered '{5}'</source>
   <translation>「{0}」を「{1}」と回答: 画像{2}枚、「{5}」と回答した{4}枚の{3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>'{0}' answered as '{1}': {2} images, {3} of the {4} that are '{5}'</source>
   <translation>「{0}」を「{1}」と回答: 画像{2}枚、「{5}」である{4}枚の{3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>/ {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>{0} images are '{1}'. Click to see them.</source>
   <translation>画像{0}枚が「{1}」です。クリックで表示します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>{0} images were answered '{1}'. Click to see them.</source>
   <translation>画像{0}枚が「{1}」と回答されました。クリックで表示します。</translation>
  </message>
 </context>
 <context>
  <name>MatrixPane</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Confusion matrix</source>
   <translation>混同行列</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Rows: what it is. Columns: what the model answered. A cell shows its pictures.</source>
   <translation>行: 実際のクラス。列: モデルの回答。セルを選ぶと画像を表示します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Share of each answer</source>
   <extracomment>Of all pictures that got this answer (column of the confusion matrix).</extracomment>
   <translation>各回答に占める割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Share of each truth</source>
   <extracomment>Of all pictures that are of a class (row of the confusion matrix).</extracomment>
   <translation>各正解に占める割合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Tint shows</source>
   <extracomment>What the colour of a cell of the confusion matrix shows.</extracomment>
   <translation>濃淡が示すもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>/ {0}</translation>
  </message>
 </context>
 <context>
  <name>MatrixTable</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>Confusion matrix: truth down, answers across</source>
   <translation>混同行列: 縦が正解、横が回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>/ {0}</translation>
  </message>
 </context>
 <context>
  <name>Menus</name>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;About Fovea</source>
   <translation>Foveaについて(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;About This Model</source>
   <translation>このモデルについて(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Actual Size</source>
   <translation>実寸(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Classify</source>
   <translation>分類(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Classify All Images</source>
   <translation>すべての画像を分類(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Copy</source>
   <translation>コピー(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Corrections…</source>
   <translation>訂正(&amp;C)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Export Results as CSV…</source>
   <translation>結果をCSVでエクスポート(&amp;E)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Export…</source>
   <translation>エクスポート(&amp;E)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Filter Images</source>
   <translation>画像を絞り込む(&amp;F)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Fit to the Window</source>
   <translation>ウィンドウに合わせる(&amp;F)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Help</source>
   <translation>ヘルプ(&amp;H)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Keyboard Shortcuts</source>
   <translation>キーボードショートカット(&amp;K)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Licences</source>
   <translation>ライセンス(&amp;L)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Look Large</source>
   <translation>大きく見る(&amp;L)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Next Image</source>
   <translation>次の画像(&amp;N)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Note…</source>
   <translation>メモ(&amp;N)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Open Images…</source>
   <translation>画像を開く(&amp;O)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Paste Image</source>
   <translation>画像を貼り付け(&amp;P)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Previous Image</source>
   <translation>前の画像(&amp;P)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Print…</source>
   <translation>印刷(&amp;P)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Quit</source>
   <translation>終了(&amp;Q)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Recent Folders</source>
   <translation>最近使ったフォルダー(&amp;R)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Redo</source>
   <translation>やり直す(&amp;R)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Remove from the List</source>
   <translation>一覧から外す(&amp;R)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Settings…</source>
   <translation>設定(&amp;S)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Teach This Model More…</source>
   <translation>このモデルにさらに教える(&amp;T)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Theme</source>
   <translation>テーマ(&amp;T)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Undo</source>
   <translation>元に戻す(&amp;U)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>&amp;Undo Removing Images</source>
   <translation>画像の除外を元に戻す(&amp;U)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>C&amp;hoose a Model</source>
   <translation>モデルを選ぶ(&amp;H)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Check for &amp;Updates…</source>
   <translation>更新を確認(&amp;U)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Classify This Image &amp;Again</source>
   <translation>この画像をもう一度分類(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Dark</source>
   <translation>ダーク</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Fi&amp;les Sorted…</source>
   <translation>整理したファイル(&amp;L)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Light</source>
   <translation>ライト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Like the System</source>
   <translation>システムに合わせる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>None yet</source>
   <translation>まだありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Open &amp;Folder…</source>
   <translation>フォルダーを開く(&amp;F)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Open the &amp;Camera</source>
   <translation>カメラを開く(&amp;C)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>S&amp;ort by Answer…</source>
   <translation>回答で整理(&amp;O)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>S&amp;tar</source>
   <translation>星を付ける(&amp;T)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Select &amp;All Images</source>
   <translation>すべての画像を選択(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>This &amp;Is a…</source>
   <translation>これは次のもの(&amp;I)…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Zoom &amp;In</source>
   <translation>拡大(&amp;I)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/menus.py" />
   <source>Zoom &amp;Out</source>
   <translation>縮小(&amp;O)</translation>
  </message>
 </context>
 <context>
  <name>MessageBar</name>
  <message>
   <location filename="../../desktop/ui/widgets/message_bar.py" />
   <source>Close the message</source>
   <translation>メッセージを閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/message_bar.py" />
   <source>Message</source>
   <translation>メッセージ</translation>
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
   <translation>正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Accuracy in this data</source>
   <translation>このデータでの正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Area under the ROC curve (AUC)</source>
   <translation>ROC曲線下面積(AUC)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Average precision</source>
   <translation>平均適合率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Balanced accuracy</source>
   <translation>均衡正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Brier score</source>
   <translation>ブライアスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Calibration error (ECE)</source>
   <translation>校正誤差(ECE)</translation>
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
   <translation>マクロF1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro precision</source>
   <translation>マクロ適合率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Macro recall</source>
   <translation>マクロ再現率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>NPV in this data</source>
   <translation>このデータでのNPV</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Negative predictive value, in this data</source>
   <translation>陰性的中率(このデータで)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>PPV in this data</source>
   <translation>このデータでのPPV</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Positive predictive value, in this data</source>
   <translation>陽性的中率(このデータで)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Precision</source>
   <translation>適合率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Recall</source>
   <translation>再現率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Refused as not its kind</source>
   <translation>種類違いとして拒否</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Right among the first five (top-5 accuracy)</source>
   <translation>上位5位以内の正解(トップ5正解率)</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Sensitivity</source>
   <translation>感度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Sensitivity for '{label}'</source>
   <translation>'{label}'の感度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Specificity</source>
   <translation>特異度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Specificity for '{label}'</source>
   <translation>'{label}'の特異度</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Top-5 accuracy</source>
   <translation>トップ5正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted F1</source>
   <translation>加重F1</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted precision</source>
   <translation>加重適合率</translation>
  </message>
  <message>
   <location filename="../../desktop/core/figures/table.py" />
   <source>Weighted recall</source>
   <translation>加重再現率</translation>
  </message>
 </context>
 <context>
  <name>ModelCard</name>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">破損: {0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">独自のクラスなし</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">インストール済み</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">インストール済み(土台用)</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未インストール</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未インストール · 取得量{0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">未作成 · 取得不要</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未測定</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">付属</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">自分の</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0}クラス</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} カラー</translation>
  </message>
 </context>
 <context>
  <name>ModelCardDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>'{label}' is answered where its score is at least {value}.</source>
   <translation>スコアが{value}以上のとき、'{label}'と回答します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>95 % interval</source>
   <translation>95 %区間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>About {name}</source>
   <translation>{name}について</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Architecture</source>
   <translation>アーキテクチャ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Classes ({count})</source>
   <translation>クラス({count})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Comes from</source>
   <translation>入手元</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Continues</source>
   <extracomment>The model that this one went on from.</extracomment>
   <translation>継続元</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>Copy text</source>
   <translation>テキストをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Credits</source>
   <extracomment>Who is to be named as author of data and methods.</extracomment>
   <translation>クレジット</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Damaged</source>
   <translation>破損</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Date</source>
   <translation>日付</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Difference after export</source>
   <translation>エクスポート後の差</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Figure</source>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Figures</source>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Folder</source>
   <translation>フォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Fovea itself</source>
   <translation>Fovea自身</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Id</source>
   <translation>ID</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Import it or train it again.</source>
   <translation>インポートするか、もう一度学習させてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Input</source>
   <translation>入力</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Install Fovea again to restore it.</source>
   <translation>Foveaを再インストールすると元に戻ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Intended use</source>
   <translation>使用目的</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Its description is here, its weights are not: it answers once they are installed under Models. Until then choose another model.</source>
   <translation>説明はありますが、重みがありません。「モデル」で重みをインストールすると回答できます。それまでは別のモデルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Known failures</source>
   <translation>知られている失敗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Licence of the data</source>
   <translation>データのライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Limits</source>
   <translation>限界</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Made on</source>
   <extracomment>The computer or device that a model was trained on.</extracomment>
   <translation>作成環境</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Made with</source>
   <extracomment>Versions of the program and libraries that made a model.</extracomment>
   <translation>作成に使ったもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Measured on</source>
   <translation>測定に使ったもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/model_card.py" />
   <source>Model card</source>
   <translation>モデルカード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Must not be used for</source>
   <translation>使ってはならない用途</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Not measured.</source>
   <translation>測定されていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Notice</source>
   <translation>注意</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Parameters</source>
   <translation>パラメータ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Population</source>
   <extracomment>Medicine, statistics: which people or pictures the data came from.</extracomment>
   <translation>対象集団</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>SHA-256 of the weights</source>
   <translation>重みのSHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Scores and decision</source>
   <translation>スコアと判定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Seed</source>
   <translation>乱数シード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Size on disk</source>
   <translation>ディスク上の大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Technical</source>
   <extracomment>Head of a section with technical facts.</extracomment>
   <translation>技術情報</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>The numbers beside the bars are calibrated on {n} images of the {split} split (temperature {t}): the expected calibration error went from {before} to {after}.</source>
   <translation>棒の横の数値は、分割{split}の画像{n}枚で校正されています(温度{t})。期待校正誤差は{before}から{after}になりました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>The numbers beside the bars are model scores: they have not been calibrated to be probabilities.</source>
   <translation>棒の横の数値はモデルスコアです。確率になるようには校正されていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>This model cannot answer: {problem}.</source>
   <translation>このモデルは回答できません: {problem}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Training</source>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Value</source>
   <translation>値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Version</source>
   <translation>バージョン</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>Weights not installed</source>
   <translation>重み未インストール</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>and {count} more</source>
   <translation>ほか{count}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>colour (RGB)</source>
   <translation>カラー(RGB)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>ink found, cropped, scaled into 20×20 and centred by mass</source>
   <translation>インクを見つけて切り抜き、20×20に拡縮し、重心を中央に</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>it cannot be read</source>
   <translation>読めません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>scaled whole, the rest padded</source>
   <translation>全体を拡縮し、残りに余白</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>scaled, and the middle cut out</source>
   <translation>拡縮して中央を切り抜く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>stretched to that size, whatever its shape</source>
   <translation>形によらずその大きさに引き伸ばす</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>your own models</source>
   <translation>自分のモデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>{difference} at most in any score, over {n} images</source>
   <translation>画像{n}枚で、どのスコアでも最大{difference}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/_card_text.py" />
   <source>{width} × {height} pixels, {colour}; the picture is {fit} ({interpolation}).</source>
   <translation>{width}×{height}ピクセル、{colour}。画像の合わせ方: {fit}({interpolation})。</translation>
  </message>
 </context>
 <context>
  <name>ModelChooser</name>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>About this model</source>
   <translation>このモデルについて</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Choose a model.</source>
   <translation>モデルを選んでください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Damaged</source>
   <translation>破損</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Model</source>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>No model is installed.</source>
   <translation>モデルがインストールされていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Ready</source>
   <translation>準備完了</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Weights not installed</source>
   <translation>重み未インストール</translation>
  </message>
 </context>
 <context>
  <name>Models</name>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source> · {0} a second</source>
   <translation> · 毎秒{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source> · {0} left</source>
   <translation> · 残り{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1 (divided by 255)</source>
   <translation>0から1(255で割る)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 1, less ImageNet's means, by its deviations (PyTorch)</source>
   <translation>0から1、ImageNetの平均を引き、その標準偏差で割る(PyTorch)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>0 to 255, as they are</source>
   <translation>0から255、そのまま</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Building the network…</source>
   <translation>ネットワークを組み立てています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Checked</source>
   <translation>検証結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Comes from</source>
   <translation>入手元</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing checksums…</source>
   <translation>チェックサムを照合しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing the file's hash…</source>
   <translation>ファイルのハッシュを照合しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Comparing the two forms…</source>
   <translation>二つの形式を比較しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Converting it to LiteRT…</source>
   <translation>LiteRTに変換しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Converting it…</source>
   <translation>変換しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Copying…</source>
   <translation>コピーしています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Credit</source>
   <translation>クレジット</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Damaged: {0}</source>
   <translation>破損: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Has no classes of its own</source>
   <translation>独自のクラスなし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed</source>
   <translation>インストール済み</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Installed, to build upon</source>
   <translation>インストール済み(土台用)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Licence</source>
   <translation>ライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Looking through the file…</source>
   <translation>ファイルを調べています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>MD5 as published</source>
   <translation>公開されたMD5</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Network</source>
   <translation>ネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed</source>
   <translation>未インストール</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not installed · {0} to fetch</source>
   <translation>未インストール · 取得量{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not made yet · nothing to fetch</source>
   <translation>未作成 · 取得不要</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Not measured</source>
   <translation>未測定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Parameters</source>
   <translation>パラメータ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Reported</source>
   <translation>報告値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>SHA-256</source>
   <translation>SHA-256</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Size of the download</source>
   <translation>ダウンロードの大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>With Fovea</source>
   <extracomment>Models that come with the program.</extracomment>
   <translation>付属</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>Writing the model…</source>
   <translation>モデルを書き込んでいます…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>Yours</source>
   <extracomment>Models that the user made or brought in.</extracomment>
   <translation>自分の</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>about {0}</source>
   <translation>約{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>blue, green, red, less ImageNet's means (Caffe)</source>
   <translation>青、緑、赤、ImageNetの平均を引く(Caffe)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>colour</source>
   <translation>カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pictures got their size</source>
   <translation>画像の大きさの合わせ方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>how pixels were given</source>
   <translation>ピクセルの与え方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its classes</source>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>its size</source>
   <translation>大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>none</source>
   <extracomment>There is none of it.</extracomment>
   <translation>なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>none: the package holds {0}</source>
   <translation>なし: パッケージに{0}があります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>the Python package {0} {1}</source>
   <translation>Pythonパッケージ{0} {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>what its outputs are</source>
   <translation>出力の種類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} classes</source>
   <translation>{0}クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/words.py" />
   <source>{0} {1}, {2}</source>
   <translation>{0} {1}、{2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/cards.py" />
   <source>{0} · {1}×{1} colour</source>
   <translation>{0} · {1}×{1} カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/dialogs.py" />
   <source>−1 to 1</source>
   <translation>−1から1</translation>
  </message>
 </context>
 <context>
  <name>ModelsView</name>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>A job on models runs</source>
   <translation>モデルについての作業が実行中です</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Bring in a .keras, .h5 or .tflite network, or a model of another Fovea</source>
   <translation>.keras、.h5、.tfliteのネットワーク、または別のFoveaのモデルを取り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Cancelled. What was fetched is kept for the next try.</source>
   <translation>キャンセルしました。取得したものは次回のために残します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Changing {0}</source>
   <translation>{0}を変更しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Copying {0}</source>
   <translation>{0}をコピーしています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Drop a network or a model here to import it</source>
   <translation>ネットワークまたはモデルをここにドロップするとインポートします</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>End and close</source>
   <translation>終了して閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>End “{0}” and close Fovea?</source>
   <translation>「{0}」を終了してFoveaを閉じますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Exporting {0}</source>
   <translation>{0}をエクスポートしています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Filter models</source>
   <translation>モデルを絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Importing {0}</source>
   <translation>{0}をインポートしています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Import…</source>
   <translation>インポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Installing {0}</source>
   <translation>{0}をインストールしています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>It is the only form of this model: there was nothing to compare it with.</source>
   <translation>このモデルの唯一の形式なので、比較するものがありませんでした。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Its answers differ by {0} at most over {1} pictures; the certificate says so.</source>
   <translation>画像{1}枚で、回答の差は最大{0}です。証明書に記載されています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Looking at {0}</source>
   <translation>{0}を調べています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>One model at a time: the first is being looked at.</source>
   <translation>モデルは一度に一つです: 最初のものを調べています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Stay</source>
   <extracomment>Button: do not close the window.</extracomment>
   <translation>閉じない</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Verifying {0}</source>
   <translation>{0}を検証しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>What was fetched so far is kept; nothing half-done is installed.</source>
   <translation>取得済みのものは残ります。途中のものはインストールされません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>Written: {0}.</source>
   <translation>書き込みました: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>{0}: all {1} files are as they were.</source>
   <translation>{0}: {1}個のファイルはすべて元のままです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>{0}: {1} not as it was.</source>
   <translation>{0}: {1}が元のままではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is back among the models.</source>
   <translation>「{0}」はモデルの一覧に戻りました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is in the trash; Undo takes it back.</source>
   <translation>「{0}」はゴミ箱にあります。「元に戻す」で戻せます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/view.py" />
   <source>“{0}” is ready.</source>
   <translation>「{0}」の準備ができました。</translation>
  </message>
 </context>
 <context>
  <name>NearestStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/nearest_strip.py" />
   <source>Nearest training pictures</source>
   <translation>最も近い学習画像</translation>
  </message>
 </context>
 <context>
  <name>NoticeStrip</name>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Note</source>
   <translation>情報</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/notices.py" />
   <source>Notices</source>
   <translation>お知らせ</translation>
  </message>
 </context>
 <context>
  <name>Notices</name>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Fovea is for research and education only; it is not a medical device.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>Foveaは研究および教育専用であり、医療機器ではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Not the kind of picture that this model knows.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>このモデルが知る種類の画像ではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Research and education only; not a medical device.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>研究および教育専用。医療機器ではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>Some of these show nothing that the model knows: it answers all the same.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>これらの一部には、モデルが知るものが何も写っていません。それでもモデルは回答します。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>The chest picture is a phantom drawn by a program: it is no X-ray and shows no one.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>この胸部の画像はプログラムが描いたファントムです。X線画像ではなく、誰を写したものでもありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/notices.py" />
   <source>The output is a model score, not a diagnosis.</source>
   <extracomment>What must be said of a model or of Fovea, by law: translate it to the letter.</extracomment>
   <translation>出力はモデルスコアであり、診断ではありません。</translation>
  </message>
 </context>
 <context>
  <name>OnSign</name>
  <message>
   <location filename="../../desktop/ui/widgets/camera_screen.py" />
   <source>Recording</source>
   <translation>記録中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/camera_screen.py" />
   <source>The camera is on</source>
   <translation>カメラが入っています</translation>
  </message>
 </context>
 <context>
  <name>Opener</name>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>1 object of the study holds no picture, as a report does, and was left out.</source>
   <translation>検査のうちレポートなど画像のないオブジェクト1個を除きました。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>No images were found there. Fovea opens JPEG, PNG, WebP, TIFF, DICOM and more.</source>
   <translation>そこに画像は見つかりませんでした。FoveaはJPEG、PNG、WebP、TIFF、DICOMなどを開けます。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>Pasted {0} {1}</source>
   <translation>貼り付け{0} {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>{0} objects of the studies hold no picture, as reports do, and were left out.</source>
   <translation>検査のうちレポートなど画像のないオブジェクト{0}個を除きました。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/opening.py" />
   <source>{0}, and {1} more that could not be read</source>
   <translation>{0}、ほか読めないもの{1}個</translation>
  </message>
 </context>
 <context>
  <name>PageView</name>
  <message>
   <location filename="../../desktop/ui/help/page_view.py" />
   <source>Page of the help</source>
   <translation>ヘルプのページ</translation>
  </message>
  <message>
   <source>HelpPage of the help</source>
   <translation type="vanished">ヘルプのページ</translation>
  </message>
 </context>
 <context>
  <name>ParallelPlot</name>
  <message>
   <location filename="../../desktop/ui/train/parallel.py" />
   <source>No trial is finished yet.</source>
   <translation>まだ終わった試行がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/parallel.py" />
   <source>Settings of the trials and what came of them</source>
   <translation>試行の設定とその結果</translation>
  </message>
 </context>
 <context>
  <name>PictureActions</name>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>A series is not sorted: its files belong together.</source>
   <translation>シリーズは整理しません。ファイルがひとまとまりだからです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy class and score</source>
   <translation>クラスとスコアをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the files</source>
   <translation>ファイルをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the map with its legend</source>
   <translation>凡例付きでマップをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the path</source>
   <translation>パスをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the paths</source>
   <translation>パスをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Copy the picture</source>
   <translation>画像をコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Find similar</source>
   <translation>似た画像を探す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Look at it large</source>
   <translation>大きく見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Model: {0}</source>
   <translation>モデル: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note</source>
   <translation>メモ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note on {0}. It is kept by Fovea, not in the file.</source>
   <translation>{0}へのメモ。ファイルの中ではなく、Foveaが保管します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note: {0}</source>
   <translation>メモ: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Note…</source>
   <translation>メモ…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Only images with this answer</source>
   <translation>この回答の画像だけ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>PNG pictures (*.png)</source>
   <translation>PNG画像 (*.png)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Print…</source>
   <translation>印刷…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Remove from the list</source>
   <translation>一覧から外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Save the Map</source>
   <translation>マップを保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Save the map with its legend…</source>
   <translation>凡例付きでマップを保存…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Show in the file manager</source>
   <translation>ファイルマネージャーで表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Sort by answer…</source>
   <translation>回答で整理…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Star</source>
   <translation>星</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Take the star away</source>
   <translation>星を外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>The map was saved as {0}.</source>
   <translation>マップを{0}として保存しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>This is a ‘{0}’</source>
   <translation>これは「{0}」です</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>Where does it see ‘{0}’?</source>
   <translation>どこに「{0}」が見えますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>like {0}, the most alike first</source>
   <translation>{0}に似た画像(似ている順)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>model score</source>
   <translation>モデルスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>probability</source>
   <translation>確率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_actions.py" />
   <source>where it looked</source>
   <translation>見た場所</translation>
  </message>
 </context>
 <context>
  <name>PictureMenu</name>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Copy the files</source>
   <translation>ファイルをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Copy the paths</source>
   <translation>パスをコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Edit › Corrections takes it back.</source>
   <translation>「編集」›「訂正」で取り消せます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Look at it large</source>
   <translation>大きく見る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/picture_menu.py" />
   <source>Show in the file manager</source>
   <translation>ファイルマネージャーで表示</translation>
  </message>
 </context>
 <context>
  <name>PicturePane</name>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Actual size, 100 %</source>
   <translation>実寸、100 %</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Fit to the window</source>
   <translation>ウィンドウに合わせる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Look at it large (Space)</source>
   <translation>大きく見る(Space)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Opening…</source>
   <translation>開いています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>This image cannot be shown.</source>
   <translation>この画像は表示できません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Zoom in</source>
   <translation>拡大</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/picture_pane.py" />
   <source>Zoom out</source>
   <translation>縮小</translation>
  </message>
 </context>
 <context>
  <name>PictureSide</name>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Backspace takes the label back, Space shows the picture large.</source>
   <translation>Backspaceでラベルを取り消し、Spaceで画像を大きく表示します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Enter takes the suggestion.</source>
   <translation>Enterで提案を採用します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Keys: {0}</source>
   <translation>キー: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>No label yet</source>
   <translation>ラベルなし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>This picture {0}.</source>
   <translation>この画像: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>You said: {0}</source>
   <translation>あなたの判断: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/picture_side.py" />
   <source>{0} pictures are selected.</source>
   <translation>画像{0}枚を選択中。</translation>
  </message>
 </context>
 <context>
  <name>PictureView</name>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>No picture</source>
   <translation>画像なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/picture_view.py" />
   <source>{width} × {height} pixels, shown at {zoom} %</source>
   <translation>{width}×{height}ピクセル、表示{zoom} %</translation>
  </message>
 </context>
 <context>
  <name>PicturesModel</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>cannot be opened</source>
   <translation>開けません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>labelled {0}</source>
   <translation>ラベル{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>no label</source>
   <translation>ラベルなし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>no label; suggested {0}, model score {1}</source>
   <translation>ラベルなし、提案{0}、モデルスコア{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>not where it was</source>
   <translation>元の場所にありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>starred</source>
   <translation>星付き</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_model.py" />
   <source>the file holds another picture now</source>
   <translation>ファイルは今は別の画像です</translation>
  </message>
 </context>
 <context>
  <name>PicturesPane</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>All classes</source>
   <translation>すべてのクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>All pictures</source>
   <translation>すべての画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Backspace</source>
   <translation>Backspace</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>By suggestion, surest first</source>
   <translation>提案順、確かなものから</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Del</source>
   <translation>Del</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Drawn at random, to measure</source>
   <translation>無作為(測定用)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Drop pictures, folders or archives here.</source>
   <translation>画像、フォルダー、アーカイブをここにドロップしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Enter</source>
   <translation>Enter</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Every picture has a label.</source>
   <translation>すべての画像にラベルがあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Find similar pictures</source>
   <translation>似た画像を探す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>It suggests nothing yet: label a few pictures of two classes first.</source>
   <translation>まだ提案できません。先に2クラスの画像に数枚ずつラベルを付けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Likely wrong labels</source>
   <translation>誤りらしいラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Model score at least</source>
   <translation>モデルスコア以上</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Most uncertain first</source>
   <translation>不確かなものから</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Newest first</source>
   <translation>新しいものから</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No label looks wrong.</source>
   <translation>誤りらしいラベルはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No name of these holds “{0}”.</source>
   <translation>これらに「{0}」を含む名前はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No picture is here.</source>
   <translation>ここに画像はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>No suggestion has so high a score. Move the slider to the left.</source>
   <translation>これほど高いスコアの提案はありません。スライダーを左に動かしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>One heap</source>
   <translation>一つの山</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>One moment…</source>
   <translation>少々お待ちください…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Only pictures of a class</source>
   <translation>一つのクラスの画像だけ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Pictures of the project</source>
   <translation>プロジェクトの画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Remove from the project</source>
   <translation>プロジェクトから外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Search names</source>
   <translation>名前を検索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Search the names of the pictures</source>
   <translation>画像の名前を検索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Show large</source>
   <translation>大きく表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Similar to a picture</source>
   <translation>ある画像に似たもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Space</source>
   <translation>Space</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Star</source>
   <translation>星</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Starred</source>
   <translation>星付き</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Suggestions from this model score on</source>
   <translation>このモデルスコア以上の提案</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take the label back</source>
   <translation>ラベルを取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take the suggestion</source>
   <translation>提案を採用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Take these {0} suggestions</source>
   <translation>この提案{0}件を採用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Unlike everything labelled</source>
   <translation>ラベル付きのどれとも似ていない</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>What is shown next</source>
   <translation>次に表示するもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>Without a label</source>
   <translation>ラベルなし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} of {1} pictures</source>
   <translation>画像{0} / {1}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} pictures</source>
   <translation>画像{0}枚</translation>
  </message>
 </context>
 <context>
  <name>PlanDialog</name>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Batch size</source>
   <translation>バッチサイズ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Choose…</source>
   <translation>選択…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Epochs</source>
   <translation>エポック数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Folder or file of the images</source>
   <translation>画像のフォルダーまたはファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Learning rate</source>
   <translation>学習率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>More settings</source>
   <translation>その他の設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Name of the training and of its model</source>
   <translation>学習とそのモデルの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>One a line, for instance:
fit.patience = 3
augment.flip.p = 0.5</source>
   <translation>1行に一つ。例:
fit.patience = 3
augment.flip.p = 0.5</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Open a Labelled Folder</source>
   <translation>ラベル付きフォルダーを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Seed</source>
   <translation>乱数シード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Start a Training</source>
   <translation>学習を始める</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>Start training</source>
   <translation>学習を開始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/plan_dialog.py" />
   <source>{0} · {1} classes: {2}</source>
   <translation>{0} · {1}クラス: {2}</translation>
  </message>
 </context>
 <context>
  <name>PlanModel</name>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Goes to</source>
   <translation>行き先</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Note</source>
   <translation>備考</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>stays where it is</source>
   <translation>元の場所のまま</translation>
  </message>
 </context>
 <context>
  <name>PreparedView</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Nothing yet</source>
   <translation>まだありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>What the network saw</source>
   <translation>ネットワークが見たもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>colour</source>
   <translation>カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>cut from the middle</source>
   <translation>中央を切り抜き</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>ink found and centred</source>
   <translation>インクを見つけて中央に</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>stretched to fit</source>
   <translation>引き伸ばし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>whole picture, padded</source>
   <translation>全体(余白付加)</translation>
  </message>
 </context>
 <context>
  <name>PreparingPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source> pixels</source>
   <translation> ピクセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Another picture</source>
   <translation>別の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Colour</source>
   <translation>カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Colours</source>
   <translation>色</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Cut from the middle</source>
   <translation>中央を切り抜く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Every picture is brought to one size. Larger inputs keep finer detail and take longer to learn from.</source>
   <translation>すべての画像を同じ大きさにします。大きい入力は細部を残しますが、学習に時間がかかります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Fit</source>
   <extracomment>How a picture is brought to the network's size: stretched, cropped or padded.</extracomment>
   <translation>合わせ方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Ink found and centred (28×28 drawings)</source>
   <translation>インクを見つけて中央に(28×28の描画)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Preparing</source>
   <extracomment>A page of the wizard: how pictures are prepared for the network.</extracomment>
   <translation>前処理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Side of the input in pixels</source>
   <translation>入力の一辺(ピクセル)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Size</source>
   <translation>大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Stretched</source>
   <translation>引き伸ばす</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>The model that it starts from was made for this input, so it stays as it is.</source>
   <translation>土台のモデルはこの入力用に作られているので、そのままです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>The picture as it is</source>
   <translation>元の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>What should the network see of a picture?</source>
   <translation>ネットワークは画像の何を見ますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Whole picture, padded</source>
   <translation>全体(余白付加)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>Your picture</source>
   <translation>あなたの画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>colour</source>
   <translation>カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>{0} pixels</source>
   <translation>{0}ピクセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/preparing_page.py" />
   <source>{0}×{1} pixels</source>
   <translation>{0}×{1}ピクセル</translation>
  </message>
 </context>
 <context>
  <name>Printing</name>
  <message>
   <location filename="../../desktop/ui/classify/printing.py" />
   <source>Print</source>
   <translation>印刷</translation>
  </message>
 </context>
 <context>
  <name>ProbabilityBars</name>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Answer and scores</source>
   <translation>回答とスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Filter classes</source>
   <translation>クラスを絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Hide its scores</source>
   <translation>スコアを隠す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>No answer: this is not the kind of picture that it learned from</source>
   <translation>回答なし: モデルが学習した種類の画像ではありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>No class of that name</source>
   <translation>その名前のクラスはありません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Not sure: {first} {high}, {second} {low}</source>
   <translation>確かでない: {first} {high}、{second} {low}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Perhaps</source>
   <translation>おそらく</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Right</source>
   <extracomment>Correct (not the side).</extracomment>
   <translation>正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Scores of the classes</source>
   <translation>クラスのスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show all {count} classes</source>
   <translation>{count}クラスすべてを表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show its scores all the same</source>
   <translation>それでもスコアを表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Show the first {count}</source>
   <translation>最初の{count}個を表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>Wrong: it is {label}</source>
   <translation>誤り: 正解は{label}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>model score</source>
   <translation>モデルスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>perhaps {label}  {score}</source>
   <translation>おそらく{label}  {score}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>probability</source>
   <translation>確率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} digits, read one by one: {1}</source>
   <translation>数字{0}個を一つずつ読み取り: {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} has the higher score, {1}, and is answered from {2} on only.</source>
   <translation>{0}のスコア{1}のほうが高いですが、{2}以上でないと回答されません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0} is answered from {1} on and has {2}; the higher score is that of {3}, {4}.</source>
   <translation>{0}は{1}以上で回答され、スコアは{2}です。高いほうのスコアは{3}の{4}です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{0}, by the threshold</source>
   <translation>しきい値により{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/probability_bars.py" />
   <source>{label} is answered from {value} on</source>
   <translation>{label}は{value}以上で回答されます</translation>
  </message>
 </context>
 <context>
  <name>ProjectsBar</name>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>, {0} a second</source>
   <translation>、毎秒{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>A folder…</source>
   <translation>フォルダー…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Add pictures</source>
   <translation>画像を追加</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>All projects</source>
   <translation>すべてのプロジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Files…</source>
   <translation>ファイル…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Find copies…</source>
   <translation>コピーを探す…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>From the camera…</source>
   <translation>カメラから…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Group alike…</source>
   <translation>似たものをまとめる…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Heaps of pictures that are alike, to be named at once</source>
   <translation>似た画像の山。一度に名前を付けられます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Pause</source>
   <translation>一時停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Pictures looked at</source>
   <translation>調べた画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Project</source>
   <translation>プロジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Redo</source>
   <translation>やり直す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>The same picture twice, near copies, and pictures taken in one go</source>
   <translation>二重の画像、近似コピー、連続撮影の画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>Undo</source>
   <translation>元に戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>{0} of {1} looked at</source>
   <translation>{0} / {1}枚を調べました</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/projects_bar.py" />
   <source>{0} pictures found</source>
   <translation>画像{0}枚が見つかりました</translation>
  </message>
 </context>
 <context>
  <name>RadiologyBar</name>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Bone</source>
   <translation>骨</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Brain</source>
   <translation>脳</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Centre {0}, width {1}{2}</source>
   <translation>中心{0}、幅{1}{2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Custom window</source>
   <extracomment>Radiology: a window that the user has set.</extracomment>
   <translation>カスタムウィンドウ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Drag in the picture to measure</source>
   <translation>画像内をドラッグして計測</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Drag in the picture: across: width, down: level</source>
   <translation>画像内をドラッグ: 横で幅、縦でレベル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Exchange dark and light</source>
   <translation>明暗を入れ替える</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>File</source>
   <extracomment>The window (range of grey values) that the DICOM file itself names.</extracomment>
   <translation>ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Header…</source>
   <translation>ヘッダー…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Invert</source>
   <extracomment>Exchange dark and light of the picture.</extracomment>
   <translation>白黒反転</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Lung</source>
   <translation>肺</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Ruler</source>
   <extracomment>A tool to measure distances in a picture.</extracomment>
   <translation>計測</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Soft tissue</source>
   <translation>軟部組織</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>The header of the DICOM file; the patient's data stay hidden until asked for</source>
   <translation>DICOMファイルのヘッダー。患者のデータは求めるまで表示されません</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Whole range</source>
   <extracomment>Radiology: a window over all grey values of the picture.</extracomment>
   <translation>全範囲</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Window</source>
   <extracomment>Radiology: the range of grey values that is shown (centre and width), not a window of the screen.</extracomment>
   <translation>ウィンドウ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Windows</source>
   <extracomment>Radiology: ranges of grey values (centre and width) to choose from.</extracomment>
   <translation>ウィンドウ一覧</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>Windows of the file and usual ones</source>
   <translation>ファイルのウィンドウと一般的なウィンドウ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>for viewing only: the network used its own</source>
   <translation>表示専用: ネットワークは独自のものを使いました</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>no scale in this file: measured in pixels</source>
   <translation>このファイルには縮尺がないため、ピクセルで計測します</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} at {1}</source>
   <translation>{0}({1})</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} mm</source>
   <translation>{0} mm</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/radiology.py" />
   <source>{0} pixels</source>
   <translation>{0}ピクセル</translation>
  </message>
 </context>
 <context>
  <name>Rail</name>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Help</source>
   <translation>ヘルプ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Help (F1)</source>
   <translation>ヘルプ(F1)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Settings</source>
   <translation>設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>Views</source>
   <translation>ビュー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/rail.py" />
   <source>{0}: {1} % done</source>
   <translation>{0}: {1} %完了</translation>
  </message>
 </context>
 <context>
  <name>Reasons</name>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It has less contrast than nearly all pictures the model learned from.</source>
   <translation>モデルが学習したほとんどすべての画像よりコントラストが低いです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It has more contrast than nearly all pictures the model learned from.</source>
   <translation>モデルが学習したほとんどすべての画像よりコントラストが高いです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It holds more pieces of ink than are read one by one.</source>
   <translation>一つずつ読める数より多くのインクがあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is darker than nearly all pictures the model learned from.</source>
   <translation>モデルが学習したほとんどすべての画像より暗いです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is lighter than nearly all pictures the model learned from.</source>
   <translation>モデルが学習したほとんどすべての画像より明るいです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is more colourful than nearly all pictures the model learned from.</source>
   <translation>モデルが学習したほとんどすべての画像より色が鮮やかです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>It is unlike the pictures that the model learned from.</source>
   <translation>モデルが学習した画像に似ていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>Much of it is neither paper nor ink.</source>
   <translation>多くの部分が紙でもインクでもありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/reasons.py" />
   <source>Several pieces of ink stand apart in it; the model reads one digit.</source>
   <translation>離れたインクがいくつもあります。モデルが読む数字は1個です。</translation>
  </message>
 </context>
 <context>
  <name>Recipes</name>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Build upon a model</source>
   <translation>モデルを土台にする</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Build upon {0}</source>
   <translation>{0}を土台にする</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Every layer goes on learning from where {0} stands, with your pictures.</source>
   <translation>すべての層が、{0}の今の状態から、あなたの画像で学習を続けます。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>First a new last layer learns alone, then the last layers of {0} are tuned slowly with it. For some hundred pictures or more.</source>
   <translation>まず新しい最後の層だけが学習し、次に{0}の末尾の層を一緒にゆっくり調整します。画像が数百枚以上あるときに。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Fovea's own</source>
   <translation>Fovea独自</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>Go on with a model</source>
   <translation>モデルから続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>{0} stays as it is; only a new last layer learns from what it sees in each picture. Needs few pictures, and an epoch takes seconds.</source>
   <translation>{0}はそのままで、新しい最後の層だけが、各画像に見えるものから学習します。少ない画像で済み、1エポックは数秒です。</translation>
  </message>
  <message>
   <location filename="../../desktop/app/recipes.py" />
   <source>{0}, fine-tuned</source>
   <translation>{0}、ファインチューニング</translation>
  </message>
 </context>
 <context>
  <name>ReportTab</name>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>No path of this computer is written into any of these files.</source>
   <translation>これらのファイルに、このコンピューターのパスは書き込まれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Save what was found</source>
   <translation>結果を保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Show all names of files all the same</source>
   <translation>それでもファイル名をすべて表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Show the worst mistakes with their pictures</source>
   <translation>ひどい誤りを画像付きで表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>The pictures are not at hand: reports come without them.</source>
   <translation>画像が手元にないため、レポートに画像は入りません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Write a key beside it: which number is which file (not to be handed on)</source>
   <translation>対応表も書き出す: どの番号がどのファイルか(渡さないでください)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/report_tab.py" />
   <source>Writing</source>
   <translation>書き込み</translation>
  </message>
 </context>
 <context>
  <name>Results</name>
  <message>
   <location filename="../../desktop/ui/help/results.py" />
   <source>Found in the help</source>
   <translation>ヘルプでの検索結果</translation>
  </message>
 </context>
 <context>
  <name>ResultsModel</name>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>An unfamiliar kind of picture, so no class is the answer. The highest score is that of {0}.</source>
   <translation>見慣れない種類の画像なので、どのクラスも回答になりません。最も高いスコアは{0}です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Answer</source>
   <extracomment>The class that the model gives.</extracomment>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Familiar</source>
   <extracomment>Head of a column with yes or no: whether the picture is of a kind that the model knows.</extracomment>
   <translation>見慣れた種類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Folder</source>
   <translation>フォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Next best</source>
   <extracomment>The class with the second highest score.</extracomment>
   <translation>次点</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>No answer</source>
   <translation>回答なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Notices</source>
   <translation>お知らせ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Problem</source>
   <translation>問題</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Score</source>
   <extracomment>The number beside an answer, 0 to 1.</extracomment>
   <translation>スコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Size</source>
   <translation>大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>Stopped at {done} of {total}</source>
   <translation>{done} / {total}で停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>Time</source>
   <translation>時間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>no</source>
   <translation>いいえ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>other classes: {count}</source>
   <translation>ほかのクラス: {count}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>unfamiliar: {count}</source>
   <translation>見慣れない: {count}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>yes</source>
   <translation>はい</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_columns.py" />
   <source>{0} {1:.9g}, {2} {3:.9g}: decided by the model's threshold.</source>
   <translation>{0} {1:.9g}、{2} {3:.9g}: モデルのしきい値で判定。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} images</source>
   <translation>画像{count}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} shown</source>
   <translation>{count}枚を表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_model.py" />
   <source>{count} unreadable</source>
   <translation>{count}枚は読めません</translation>
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
   <translation>これまでの正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>All evaluations</source>
   <translation>すべての評価</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Back to all evaluations</source>
   <translation>すべての評価へ戻る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Calibration</source>
   <translation>校正</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Compare</source>
   <translation>比較</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Curves</source>
   <translation>曲線</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Does it work here?</source>
   <translation>ここで役立つか</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Mistakes</source>
   <translation>誤り</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Parts of the evaluation</source>
   <translation>評価の各部</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Per class</source>
   <translation>クラス別</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Report</source>
   <translation>レポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>Stopped early: only {0} pictures were answered, about the same share of every class. Figures of all of the data may differ.</source>
   <translation>途中で停止: 各クラスからほぼ同じ割合の画像{0}枚だけに回答しました。全データでの数値は異なるかもしれません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>largest sensitivity + specificity (Youden) on this data</source>
   <translation>このデータで感度+特異度が最大(ユーデン)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>nothing answered yet</source>
   <translation>まだ回答なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>sensitivity of {0} % or more on this data</source>
   <translation>このデータで感度{0} %以上</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>specificity of {0} % or more on this data</source>
   <translation>このデータで特異度{0} %以上</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} images</source>
   <translation>画像{0}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} of {1} pictures have no answer and count in no figure below. 'About the data' lists them with the reasons.</source>
   <translation>画像{1}枚中{0}枚は回答がなく、以下のどの数値にも入りません。「データについて」に理由とともに並んでいます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} on {1}</source>
   <translation>{0}({1}で)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} s</source>
   <translation>{0}秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/results.py" />
   <source>{0} without an answer</source>
   <translation>回答なし{0}枚</translation>
  </message>
 </context>
 <context>
  <name>ResultsPane</name>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Classify all again</source>
   <translation>すべて再分類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Hide the results</source>
   <translation>結果を隠す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Progress of the folder</source>
   <translation>フォルダーの進み具合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>Results</source>
   <translation>結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>These are the results of {0}, not of {1}.</source>
   <translation>これは{0}の結果で、{1}の結果ではありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} images/s</source>
   <translation>毎秒{0}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/results_pane.py" />
   <source>{0} left</source>
   <translation>残り{0}</translation>
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
   <translation>すべての回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>All {0} rows…</source>
   <translation>すべての{0}行…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>CSV tables (*.csv)</source>
   <translation>CSV表 (*.csv)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export CSV</source>
   <translation>CSVをエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export progress</source>
   <translation>エクスポートの進み具合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Export results</source>
   <translation>結果をエクスポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>File names and folders below the chosen one…</source>
   <translation>ファイル名と、選んだフォルダーより下のフォルダー名…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Filter by name, folder or answer</source>
   <translation>名前、フォルダー、回答で絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Filter…</source>
   <translation>絞り込み…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Full paths…</source>
   <translation>フルパス…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Hidden names, with a key beside the table…</source>
   <translation>名前を隠し、対応表を横に置く…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Only unreadable</source>
   <translation>読めないものだけ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Other ways to export</source>
   <translation>その他のエクスポート方法</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Results</source>
   <translation>結果</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Results table</source>
   <translation>結果の表</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Score below</source>
   <translation>スコア未満</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Show only scores below</source>
   <translation>これより低いスコアだけを表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Show only this answer</source>
   <translation>この回答だけを表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Summary</source>
   <translation>要約</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>The {0} rows shown…</source>
   <translation>表示中の{0}行…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>Unfamiliar kind</source>
   <translation>見慣れない種類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>any</source>
   <extracomment>A choice of a filter: whatever it is.</extracomment>
   <translation>すべて</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/results_table.py" />
   <source>{count} rows written to {name}</source>
   <translation>{name}に{count}行を書き込みました</translation>
  </message>
 </context>
 <context>
  <name>RunStrip</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Progress of the evaluation</source>
   <translation>評価の進み具合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Starting an engine…</source>
   <translation>エンジンを起動しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Stopping; what is answered is kept…</source>
   <translation>停止しています。回答済みのものは残ります…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Working out figures and intervals…</source>
   <translation>数値と区間を計算しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} images/s</source>
   <translation>毎秒{0}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} left</source>
   <translation>残り{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>{0} of {1} images</source>
   <translation>画像{1}枚中{0}枚</translation>
  </message>
 </context>
 <context>
  <name>RunsModel</name>
  <message>
   <source>Begun</source>
   <translation type="vanished">開始</translation>
  </message>
  <message>
   <source>Data</source>
   <translation type="vanished">データ</translation>
  </message>
  <message>
   <source>Device</source>
   <translation type="vanished">デバイス</translation>
  </message>
  <message>
   <source>Epochs</source>
   <translation type="vanished">エポック数</translation>
  </message>
  <message>
   <source>Preset</source>
   <translation type="vanished">プリセット</translation>
  </message>
  <message>
   <source>Run</source>
   <translation type="vanished">実行</translation>
  </message>
  <message>
   <source>Runs</source>
   <translation type="vanished">実行</translation>
  </message>
  <message>
   <source>State</source>
   <translation type="vanished">状態</translation>
  </message>
  <message>
   <source>Time spent</source>
   <translation type="vanished">かかった時間</translation>
  </message>
  <message>
   <source>Validation accuracy</source>
   <translation type="vanished">検証正解率</translation>
  </message>
  <message>
   <source>Validation loss</source>
   <translation type="vanished">検証損失</translation>
  </message>
  <message>
   <source>of the best epoch</source>
   <translation type="vanished">最良のエポック</translation>
  </message>
  <message>
   <source>of the finished model</source>
   <translation type="vanished">完成したモデル</translation>
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
   <translation>正解率: 太線は検証、細線は学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Choose one or several runs to see their curves on one plot.</source>
   <translation>実行を一つ以上選ぶと、曲線を一つのグラフで見られます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Continue</source>
   <translation>続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Curves of the runs: {0}</source>
   <translation>実行の曲線: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Delete</source>
   <translation>削除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Epoch</source>
   <translation>エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Export curves…</source>
   <translation>曲線をエクスポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Filter by name, data, preset or state</source>
   <translation>名前、データ、プリセット、状態で絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Filter the runs</source>
   <translation>実行を絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Loss: validation strong, training thin</source>
   <translation>損失: 太線は検証、細線は学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No epoch of it is finished.</source>
   <translation>完了したエポックがありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No run fits the filter.</source>
   <translation>条件に合う実行はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>No run yet. Every training is kept here, with its plan, its curves and its figures.</source>
   <translation>まだ実行がありません。学習はすべて、計画、曲線、数値とともにここに残ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Open folder</source>
   <translation>フォルダーを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Open the model</source>
   <translation>モデルを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Repeat with changes…</source>
   <translation>変更して繰り返す…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Setting</source>
   <translation>設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Settings of the plan</source>
   <translation>計画の設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>The plan. Choose a second run (Ctrl and click) to see what differs.</source>
   <translation>計画です。2番目の実行を選ぶ(Ctrlとクリック)と、違いがわかります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>The two plans are the same in everything that shapes the model.</source>
   <translation>二つの計画は、モデルを形づくるすべての点で同じです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Train further…</source>
   <translation>さらに学習…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Two chosen runs: what differs between their plans.</source>
   <translation>選んだ二つの実行: 計画の違い。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation accuracy</source>
   <translation>検証正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation accuracy of the chosen runs</source>
   <translation>選んだ実行の検証正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation loss</source>
   <translation>検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>Validation loss of the chosen runs</source>
   <translation>選んだ実行の検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>What differs between the two plans</source>
   <translation>二つの計画の違い</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>{0}, training</source>
   <translation>{0}、学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_tab.py" />
   <source>“{0}” is training. Cancel it, then delete its run.</source>
   <translation>「{0}」は学習中です。キャンセルしてから実行を削除してください。</translation>
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
   <translation>数字0 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 0 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字0 黒地に白</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 1 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字1 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 2 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字2 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 2 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字2 細字</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 3 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字3 マーカー</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 3 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字3 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 4 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字4 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 4 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字4 細字</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 corner</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字5 隅</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字5 マーカー</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 5 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字5 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 6 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字6 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 6 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字6 黒地に白</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字7 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 photo</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字7 写真</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 7 thin</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字7 細字</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 8 marker</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字8 マーカー</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 8 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字8 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 9 pen</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字9 ペン</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Digit 9 white on black</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>数字9 黒地に白</translation>
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
   <translation>模様 市松</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern gradient</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>模様 グラデーション</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern lorry</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>模様 トラック</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Pattern ship</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>模様 船</translation>
  </message>
  <message>
   <location filename="../../resources/samples" />
   <source>Phantom chest</source>
   <extracomment>The name of a sample picture.</extracomment>
   <translation>胸部ファントム</translation>
  </message>
 </context>
 <context>
  <name>ScoresModel</name>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>Answered from {value} on</source>
   <translation>{value}以上で回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer</source>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer, right</source>
   <translation>回答、正解</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the answer, wrong</source>
   <translation>回答、誤り</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/_scores.py" />
   <source>the true class</source>
   <translation>正解のクラス</translation>
  </message>
 </context>
 <context>
  <name>SearchDialog</name>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>A search trains the same data several times with other settings and shows which did best on the validation pictures. Each trial learns from those before it; poor ones end early.</source>
   <translation>探索は、同じデータを設定を変えて何度か学習し、検証画像で最も良かったものを示します。各試行はそれまでの試行から学び、悪いものは早く終わります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Batch size: half, the same, twice</source>
   <translation>バッチサイズ: 半分、同じ、2倍</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Dropout: 0, 0.2, 0.4</source>
   <translation>ドロップアウト: 0、0.2、0.4</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>End poor trials early</source>
   <translation>悪い試行を早く終える</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Learning rate: a tenth to ten times as large</source>
   <translation>学習率: 10分の1から10倍</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Name of the search</source>
   <translation>探索の名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>New Search</source>
   <translation>新しい探索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Optimizer: AdamW, Adam, SGD</source>
   <translation>オプティマイザ: AdamW、Adam、SGD</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Other settings to vary</source>
   <translation>変えるその他の設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Others, one a line, for instance:
fit.label_smoothing = 0 | 0.1
fit.epochs = 10 | 20</source>
   <translation>その他、1行に一つ。例:
fit.label_smoothing = 0 | 0.1
fit.epochs = 10 | 20</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Start search</source>
   <translation>探索を開始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>The training to vary</source>
   <translation>設定を変える学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>This network has no dropout.</source>
   <translation>このネットワークにドロップアウトはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Training</source>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Trials</source>
   <extracomment>Trainings of a search for better settings.</extracomment>
   <translation>試行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Vary</source>
   <translation>変えるもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/search_dialog.py" />
   <source>Weight decay: 0, 0.0001, 0.01</source>
   <translation>重み減衰: 0、0.0001、0.01</translation>
  </message>
 </context>
 <context>
  <name>SearchesTab</name>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>, best {0}</source>
   <translation>、最良{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>1 trial</source>
   <translation>1試行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>A search is running. Stop it, then begin another.</source>
   <translation>探索が実行中です。停止してから別の探索を始めてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>A search trains the same pictures several times with other settings (learning rate, batch size and more) and shows which did best. It begins from a training that was made before.</source>
   <translation>探索は、同じ画像を設定(学習率、バッチサイズなど)を変えて何度か学習し、最も良かったものを示します。以前に行った学習から始めます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Done</source>
   <translation>完了</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>End after the batch at hand; the search can go on later</source>
   <translation>今のバッチで終了。探索はあとで続けられます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Epochs</source>
   <translation>エポック数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Failed</source>
   <translation>失敗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Go on</source>
   <extracomment>Button: continue what was paused.</extracomment>
   <translation>続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Its run is not on this computer: it was trained on another one, or deleted.</source>
   <translation>その実行はこのコンピューターにありません: 別のコンピューターで学習されたか、削除されました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Let Fovea find better settings</source>
   <translation>より良い設定をFoveaに探させる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Make a model of the best trial</source>
   <translation>最良の試行からモデルを作る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>New search…</source>
   <translation>新しい探索…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Progress of the search</source>
   <translation>探索の進み具合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Running</source>
   <translation>実行中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Searches</source>
   <translation>探索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Show its run</source>
   <translation>その実行を表示</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状態</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Stop</source>
   <translation>停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Stopped early</source>
   <translation>早期に停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>The search “{0}” is done: a model can be made of its best trial.</source>
   <translation>探索「{0}」が終わりました。最良の試行からモデルを作れます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>The search “{0}” was stopped; Go on takes it up.</source>
   <translation>探索「{0}」は停止しました。「続ける」で再開します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>This search was begun on the command line: 'fovea search' goes on with it there.</source>
   <translation>この探索はコマンドラインで始められました: そこで'fovea search'により続けられます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Time spent</source>
   <translation>かかった時間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Trial</source>
   <extracomment>One training of a search for better settings.</extracomment>
   <translation>試行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Trials</source>
   <extracomment>Trainings of a search for better settings.</extracomment>
   <translation>試行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Try what is left of this search</source>
   <translation>この探索の残りを試す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Validation accuracy</source>
   <translation>検証正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Validation loss</source>
   <translation>検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>Waiting</source>
   <translation>待機中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>stopping after this batch…</source>
   <translation>このバッチのあと停止します…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>the next trial begins…</source>
   <translation>次の試行を始めます…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>trial {0}: epoch {1} of {2}, validation loss {3}</source>
   <translation>試行{0}: エポック{1} / {2}、検証損失{3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0} trials</source>
   <translation>{0}試行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0} – best</source>
   <translation>{0} – 最良</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>{0}. The strong line is the best; thin lines that end early were stopped early.</source>
   <translation>{0}。太線が最良です。途中で終わる細線は早期に停止されました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/searches_tab.py" />
   <source>“{0}”: {1} of {2} trials done</source>
   <translation>「{0}」: {2}試行中{1}試行完了</translation>
  </message>
 </context>
 <context>
  <name>Session</name>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The engine stopped ({0}) and is being started again; your images are classified again.</source>
   <translation>エンジンが停止しました({0})。再起動し、画像をもう一度分類します。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The engine stopped several times ({0}). Start Fovea again to classify more.</source>
   <translation>エンジンが何度も停止しました({0})。さらに分類するにはFoveaを起動し直してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/session.py" />
   <source>The part of Fovea that opens pictures stopped several times ({0}). Start Fovea again to see more.</source>
   <translation>画像を開く部分が何度も停止しました({0})。さらに見るにはFoveaを起動し直してください。</translation>
  </message>
 </context>
 <context>
  <name>Settings</name>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>Settings cannot be saved ({0}). Fovea works, but forgets them at the end.</source>
   <translation>設定を保存できません({0})。Foveaは動きますが、終了すると設定を忘れます。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>The settings file was damaged. Fovea starts with its defaults; the damaged file was kept as {0}.</source>
   <translation>設定ファイルが破損していました。Foveaは既定の設定で起動し、破損したファイルは{0}として残しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/services/settings.py" />
   <source>{0}. Fovea starts with its defaults and does not save over the file.</source>
   <translation>{0}。Foveaは既定の設定で起動し、このファイルに上書きしません。</translation>
  </message>
 </context>
 <context>
  <name>SettingsDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Classes shown at first</source>
   <translation>最初に表示するクラス数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Dark</source>
   <translation>ダーク</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Everything here stays on this computer.</source>
   <translation>ここの内容はすべて、このコンピューターにとどまります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Folders</source>
   <translation>フォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Forget recent folders</source>
   <translation>最近使ったフォルダーを忘れる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Language</source>
   <translation>言語</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Light</source>
   <translation>ライト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Like the system</source>
   <translation>システムに合わせる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>More than one makes each of them slower; they share the computer.</source>
   <translation>複数にするとそれぞれが遅くなります。コンピューターを分け合うためです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Settings</source>
   <translation>設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Start with the images from last time</source>
   <translation>前回の画像で始める</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>The window is drawn anew in it; your images stay.</source>
   <translation>ウィンドウはこの言語で描き直されます。画像はそのままです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Their places are kept among Fovea's own data on this computer.</source>
   <translation>場所は、このコンピューターのFovea自身のデータに保存されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Theme</source>
   <translation>テーマ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Theme: {0}</source>
   <translation>テーマ: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/settings.py" />
   <source>Trainings at the same time</source>
   <translation>同時に行う学習の数</translation>
  </message>
 </context>
 <context>
  <name>SettingsPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source> epochs without a better one</source>
   <translation> エポック改善なし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>As they are</source>
   <translation>そのまま</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Back to the starting point's settings</source>
   <translation>開始点の設定に戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Batch size</source>
   <translation>バッチサイズ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Compute in 16 bits where the device gains by it</source>
   <translation>デバイスで効果があれば16ビットで計算する</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Constant</source>
   <extracomment>A schedule: the learning rate stays the same.</extracomment>
   <translation>一定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Cross-entropy</source>
   <translation>交差エントロピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Cycles of the schedule</source>
   <translation>スケジュールの周期数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Dropout</source>
   <translation>ドロップアウト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Epochs</source>
   <translation>エポック数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Falls in steps</source>
   <translation>段階的に下がる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Falls like a cosine</source>
   <translation>コサイン状に下がる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>For several new layers, or settings of your own</source>
   <translation>新しい層が複数あるとき、または独自の設定で</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Frequent classes are drawn less often</source>
   <extracomment>'Drawn': picked by chance (undersampling), not sketched.</extracomment>
   <translation>多いクラスを少なめに選ぶ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How a step is made from the errors.</source>
   <translation>誤りから一歩をどう決めるか。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How long and how fast should it learn?</source>
   <translation>どれだけ長く、速く学習しますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How often it goes through all pictures.</source>
   <translation>すべての画像を何回通すか。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>How often the rate rises and falls; each peak is half the one before.</source>
   <translation>学習率が何回上下するか。山は前の半分になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Keeps it from being too sure; 0 is off.</source>
   <translation>確信しすぎを防ぎます。0でオフ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Keeps weights small; 0 is off.</source>
   <translation>重みを小さく保ちます。0でオフ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>L1 penalty</source>
   <translation>L1正則化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>L2 penalty</source>
   <translation>L2正則化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Label smoothing</source>
   <translation>ラベル平滑化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Learning</source>
   <extracomment>A page of the wizard: how long and how fast the network learns.</extracomment>
   <translation>学習方法</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Learning rate</source>
   <translation>学習率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Mean squared error</source>
   <translation>平均二乗誤差</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>More settings</source>
   <translation>その他の設定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Optimizer</source>
   <translation>オプティマイザ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Pictures looked at before each small step.</source>
   <translation>小さな一歩ごとに見る画像の数。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Pushes needless weights to zero; 0 is off.</source>
   <translation>不要な重みを0に近づけます。0でオフ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rare classes are drawn more often</source>
   <extracomment>'Drawn': picked by chance (oversampling), not sketched.</extracomment>
   <translation>少ないクラスを多めに選ぶ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rare classes weigh more</source>
   <translation>少ないクラスを重くする</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Rises, then falls</source>
   <translation>上がってから下がる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>SGD with momentum</source>
   <translation>SGD(モーメンタム付き)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Saves time once nothing gets better.</source>
   <translation>改善しなくなったとき時間を節約します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Schedule of the rate</source>
   <translation>学習率のスケジュール</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Share of features left out at random while learning; against learning by heart.</source>
   <translation>学習中に無作為に除く特徴量の割合。丸暗記を防ぎます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Shrinks weights a little at every step; 0 is off.</source>
   <translation>一歩ごとに重みを少し縮めます。0でオフ。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Smaller steps towards the end settle better.</source>
   <translation>終わりに向けて歩幅を小さくすると、よく収束します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Stop early after</source>
   <translation>早期終了の条件</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The highest validation accuracy</source>
   <translation>検証正解率が最も高いもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The largest class has {0} times as many pictures as the smallest. Left as they are, the answers lean towards the frequent one.</source>
   <translation>最大のクラスの画像は最小のクラスの{0}倍です。そのままでは、回答が多いほうに偏ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The last one</source>
   <translation>最後のもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The lowest validation loss</source>
   <translation>検証損失が最も低いもの</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The network of that epoch becomes the model.</source>
   <translation>そのエポックのネットワークがモデルになります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The size of a step: too large never settles, too small takes for ever.</source>
   <translation>一歩の大きさ: 大きすぎると落ち着かず、小さすぎるといつまでも終わりません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>The starting point brought settings that work. You can change any of them, or just go on.</source>
   <translation>開始点には使える設定が付いています。どれでも変えられますし、そのまま進んでもかまいません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>There is nothing to set. What the network sees in each picture is computed once; then several linear classifiers are worked out from it, and the one that is best on pictures it did not learn from becomes the model. That takes seconds, and with few pictures it is usually better than anything slower.</source>
   <translation>設定するものはありません。ネットワークが各画像に見るものを一度だけ計算し、そこから複数の線形分類器を求め、学習に使わなかった画像で最も良いものがモデルになります。数秒で終わり、画像が少ないときは、たいてい時間のかかる方法より良い結果になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Train the last layer step by step instead</source>
   <translation>代わりに最後の層を一歩ずつ学習する</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Uneven classes</source>
   <translation>クラスの偏り</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Weight decay</source>
   <translation>重み減衰</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>What counts as an error, and how much.</source>
   <translation>何をどれだけ誤りとみなすか。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>What to do where one class has many more pictures.</source>
   <translation>あるクラスの画像がずっと多いときにどうするか。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Which epoch counts</source>
   <translation>採用するエポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>Write TensorBoard logs into the run's folder</source>
   <translation>TensorBoardのログを実行のフォルダーに書き込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/settings_page.py" />
   <source>never</source>
   <translation>なし</translation>
  </message>
 </context>
 <context>
  <name>SetupPart</name>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source> and {0} more</source>
   <translation> ほか{0}個</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Choose…</source>
   <translation>選択…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Evaluate</source>
   <extracomment>A view of the window: measure how good a model is.</extracomment>
   <translation>評価</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Match class names…</source>
   <translation>クラス名を対応付ける…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Model</source>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Open the kept result</source>
   <translation>保存した結果を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Other folder…</source>
   <translation>別のフォルダー…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Reading the folder</source>
   <translation>フォルダーを読んでいます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Split</source>
   <extracomment>A part of the data: training, validation or test split.</extracomment>
   <translation>分割</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>Split of the data</source>
   <translation>データの分割</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>What Fovea noticed about this data</source>
   <translation>このデータについてFoveaが気づいたこと</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>all of them</source>
   <translation>すべて</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>{0} images in {1} classes: {2}</source>
   <translation>{1}クラスの画像{0}枚: {2}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/start.py" />
   <source>• and {0} more</source>
   <translation>• ほか{0}個</translation>
  </message>
 </context>
 <context>
  <name>Shell</name>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>A file that is opened from the desktop will not come to this window: no connection for it could be made. Drop it here instead.</source>
   <translation>デスクトップから開いたファイルをこのウィンドウに渡す接続を作れませんでした。ここにドロップしてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Fovea is running already, but does not answer.</source>
   <translation>Foveaはすでに動いていますが、応答がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/shell/app.py" />
   <source>Wait until its window answers, or end it, then try again. Nothing was opened.</source>
   <translation>そのウィンドウが応答するまで待つか終了させてから、もう一度試してください。何も開かれませんでした。</translation>
  </message>
 </context>
 <context>
  <name>ShortcutsDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Filter by key or by what it does</source>
   <translation>キーまたは働きで絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Filter the shortcuts</source>
   <translation>ショートカットを絞り込む</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Key</source>
   <translation>キー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Keyboard Shortcuts</source>
   <translation>キーボードショートカット</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>Keyboard shortcuts</source>
   <translation>キーボードショートカット</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/shortcuts.py" />
   <source>What it does</source>
   <translation>働き</translation>
  </message>
 </context>
 <context>
  <name>SortDialog</name>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>A folder for each answer</source>
   <translation>回答ごとにフォルダーを作る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Also what is not its kind, or not sure, into folders of their own</source>
   <translation>種類が違うもの、確かでないものも別のフォルダーへ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Choose…</source>
   <translation>選択…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Close</source>
   <translation>閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Copy into folders</source>
   <translation>フォルダーへコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Copy {0} pictures</source>
   <translation>画像{0}枚をコピー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Folder</source>
   <translation>フォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>If the name is taken</source>
   <translation>同じ名前があるとき</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Lowest score</source>
   <translation>最低スコア</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Move into folders</source>
   <translation>フォルダーへ移動</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Move {0} pictures</source>
   <translation>画像{0}枚を移動</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Names</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Only scores of at least</source>
   <translation>次のスコア以上だけ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Progress</source>
   <translation>進み具合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Rename where they are</source>
   <translation>その場で名前を変更</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Rename {0} pictures</source>
   <translation>画像{0}枚の名前を変更</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Sort by Answer</source>
   <translation>回答で整理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Stop</source>
   <translation>停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Take it back</source>
   <translation>取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>The folder that shall hold the folders of the answers</source>
   <translation>回答のフォルダーを置くフォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>What will happen</source>
   <translation>行われること</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>Where the Folders Are to Be</source>
   <translation>フォルダーを置く場所</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>leave the picture</source>
   <translation>その画像はそのまま</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>number the new one</source>
   <translation>新しいほうに番号を付ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} done. It can be taken back here, later under Edit › Files Sorted…</source>
   <translation>{0}件完了。ここで取り消せます。あとで取り消すには: 編集 › 整理したファイル…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} pictures get a new name.</source>
   <translation>画像{0}枚が新しい名前になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} pictures go into one folder.</source>
   <translation>画像{0}枚が1個のフォルダーに入ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} pictures go into {1} folders.</source>
   <translation>画像{0}枚が{1}個のフォルダーに入ります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} taken back.</source>
   <translation>{0}を取り消しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{0} were left: {1}</source>
   <translation>{0}件は処理されませんでした: {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_dialog.py" />
   <source>{name} is the name so far; {answer}, {score}, {number} and {model} are filled in for each.</source>
   <translation>{name}は今の名前です。{answer}、{score}、{number}、{model}は画像ごとに埋められます。</translation>
  </message>
  <message>
   <source>{0} done. It can be taken back here, and later under Edit › Files Sorted….</source>
   <translation type="vanished">{0}件完了。ここで、またはあとで「編集」›「整理したファイル…」で取り消せます。</translation>
  </message>
  <message>
   <source>{name} is the name so far, {answer}, {score}, {number} and {model} say what they say.</source>
   <translation type="vanished">{name}は今の名前、{answer}は回答、{score}はスコア、{number}は番号、{model}はモデルです。</translation>
  </message>
 </context>
 <context>
  <name>SortFiles</name>
  <message>
   <location filename="../../desktop/ui/teach/sort_files.py" />
   <source>Sort the Files by Label</source>
   <translation>ファイルをラベルで整理</translation>
  </message>
 </context>
 <context>
  <name>SortLog</name>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>(from memory)</source>
   <translation>(記憶から)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Close</source>
   <translation>閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Commands</source>
   <translation>コマンド</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Done</source>
   <translation>完了</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Files Sorted</source>
   <translation>整理したファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Files of the command</source>
   <translation>コマンドのファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Fovea copies, moves and renames files only on your command. Each command is listed here.</source>
   <translation>Foveaがファイルをコピー、移動、名前変更するのは、あなたの指示があるときだけです。指示はすべてここに記録されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>From</source>
   <translation>元の場所</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Left</source>
   <translation>未処理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>No files have been copied, moved or renamed yet.</source>
   <translation>まだファイルのコピー、移動、名前変更はありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状態</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Take it back</source>
   <translation>取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>Taken back</source>
   <translation>取り消し済み</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>To</source>
   <translation>行き先</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>What</source>
   <translation>内容</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>When</source>
   <translation>日時</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>and {0} more</source>
   <translation>ほか{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>done</source>
   <translation>完了</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>left</source>
   <translation>未処理</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>not done</source>
   <translation>未実行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>taken back</source>
   <translation>取り消し済み</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/sort_log.py" />
   <source>{0} were left: {1}</source>
   <translation>{0}件は処理されませんでした: {1}</translation>
  </message>
 </context>
 <context>
  <name>SplitPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Check</source>
   <extracomment>A page of the wizard: how many pictures are kept aside to check the network with (validation).</extracomment>
   <translation>検証</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Checked with</source>
   <translation>検証用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Details</source>
   <translation>詳細</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Draw differently</source>
   <extracomment>Choose other pictures by chance.</extracomment>
   <translation>選び直す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>How many pictures are kept aside to check it?</source>
   <translation>検証用に何枚取り分けますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>It never learns from these. After every epoch they show how well it does on pictures it has not seen; they also choose the best epoch and set how sure it may sound.</source>
   <translation>これらからは決して学習しません。エポックごとに、見たことのない画像でどれだけできるかを示します。最良のエポックを選び、どれだけ確かだと示してよいかを定めるのにも使います。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Keep all pictures of one person on one side (recommended)</source>
   <translation>同じ人の画像はすべて片方にまとめる(推奨)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Learns from</source>
   <translation>学習用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>No picture is left to check {0}: all of its pictures belong together (copies, or of one person), so they stay on one side. Whether it knows this class will not be known.</source>
   <translation>{0}を検証する画像が残りません: その画像はすべてひとまとまり(コピー、または同じ人)なので、片方にまとめられます。このクラスがわかるかどうかは不明になります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>None is lost: the pictures are divided into five parts, each is checked by a head that learned from the other four (cross-validation), and the model then learns from all of them. The figures count them all.</source>
   <translation>どの画像も無駄になりません: 画像を五つに分け、それぞれを、ほかの四つから学習したヘッドで検証し(交差検証)、そのあとモデルはすべてから学習します。数値はすべてを数えます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Only 1 picture is left to check the smallest class: no figure can be given for it.</source>
   <translation>最小のクラスを検証する画像が1枚しか残らず、数値を出せません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Only {0} pictures are left to check the smallest class: under 20, no figure can be given for it.</source>
   <translation>最小のクラスを検証する画像が{0}枚しか残りません: 20枚未満では数値を出せません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Open the data's own test split once, at the end, for the model's card</source>
   <translation>モデルカードのため、最後に一度だけデータ自身のテスト分割を開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Pictures of each class on either side</source>
   <translation>それぞれの側の各クラスの画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Seed</source>
   <translation>乱数シード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Seed of the draw</source>
   <extracomment>The number that the random choice of pictures begins from.</extracomment>
   <translation>抽選の乱数シード</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>Share kept aside, in percent</source>
   <translation>取り分ける割合(%)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The data brings its own pictures for checking; those are used.</source>
   <translation>データに検証用の画像が付いているので、それを使います。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The names of files or folders (or DICOM headers) tell {0} people or cases apart, several with more than one picture. With pictures of one person on both sides the check would be too kind.</source>
   <translation>ファイルやフォルダーの名前(またはDICOMヘッダー)から{0}人または{0}件が区別でき、複数の画像がある人や件が複数あります。同じ人の画像が両側にあると、検証が甘くなりすぎます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>The same seed draws the same pictures and starts from the same weights, so a training can be repeated. The lists are kept with the run.</source>
   <translation>同じシードでは同じ画像が選ばれ、同じ重みから始まるので、学習を再現できます。一覧は実行とともに保存されます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>every picture is used once for checking</source>
   <translation>すべての画像が一度ずつ検証に使われます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/split_page.py" />
   <source>{0} % · about {1} pictures</source>
   <translation>{0} % · 画像約{1}枚</translation>
  </message>
 </context>
 <context>
  <name>Stack</name>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>1 file held a frame once more and was left out</source>
   <translation>1個のファイルに同じフレームがもう一度あり、除きました</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>1 frame is missing, as the others' {1} tell</source>
   <translation>ほかのものの{1}から、1フレームが欠けているとわかります</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>Series {0}</source>
   <translation>シリーズ{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>Study {0}, {1}</source>
   <translation>検査{0}、{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>numbers</source>
   <translation>番号</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>ordered by file names: several frames have the same number, and no places</source>
   <translation>ファイル名の順: 同じ番号のフレームが複数あり、位置がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>ordered by number: the files name no places</source>
   <translation>番号の順: ファイルに位置がありません</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>places</source>
   <translation>位置</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0} files held a frame once more and were left out</source>
   <translation>{0}個のファイルに同じフレームがもう一度あり、除きました</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0} frames are missing, as the others' {1} tell</source>
   <translation>ほかのものの{1}から、{0}フレームが欠けているとわかります</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0} series {1}</source>
   <translation>{0} シリーズ{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0}, frame {1}</source>
   <translation>{0}、フレーム{1}</translation>
  </message>
  <message>
   <location filename="../../desktop/services/stacks.py" />
   <source>{0}, part {1} of {2}</source>
   <translation>{0}、部分{1} / {2}</translation>
  </message>
 </context>
 <context>
  <name>Starter</name>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>All files (*)</source>
   <translation>すべてのファイル (*)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Open a Labelled Folder</source>
   <translation>ラベル付きフォルダーを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Start from a Plan File</source>
   <translation>計画ファイルから始める</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>The model that came of this training is not there any more; repeat it.</source>
   <translation>この学習でできたモデルはもうありません。学習を繰り返してください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/starting.py" />
   <source>Training plans (*.json)</source>
   <translation>学習計画 (*.json)</translation>
  </message>
 </context>
 <context>
  <name>StartingPointPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>As before</source>
   <translation>前と同じ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Epochs for the new last layer alone</source>
   <translation>新しい最後の層だけのエポック数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Features of the layer</source>
   <translation>層の特徴量</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Its author reports: {0}.</source>
   <translation>作成者の報告: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Kind</source>
   <translation>種類</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layer</source>
   <translation>層</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layer whose features are used</source>
   <translation>特徴量を使う層</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layers of the network</source>
   <translation>ネットワークの層</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Layers tuned, from the end</source>
   <translation>調整する層の数(末尾から)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Made for: {0}.</source>
   <translation>用途: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Network</source>
   <translation>ネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Output</source>
   <translation>出力</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Parameters</source>
   <translation>パラメータ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>Published systems</source>
   <translation>公開されたシステム</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Recommended</source>
   <translation>推奨</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Starting points</source>
   <translation>開始点</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>The recommended one suits your pictures. The others are for comparing, or for building upon a model.</source>
   <translation>推奨のものがあなたの画像に適しています。ほかは比較用、またはモデルを土台にするためのものです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>The settings of the training '{0}'.</source>
   <translation>学習「{0}」の設定。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>Where should it start?</source>
   <translation>どこから始めますか?</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>its last spatial map</source>
   <translation>最後の空間マップ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/origins.py" />
   <source>what its last layer gets (recommended)</source>
   <translation>最後の層への入力(推奨)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>{0} parameters · about {1} MB of memory while it learns</source>
   <translation>パラメータ{0}個 · 学習中のメモリ約{1} MB</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/start_page.py" />
   <source>{0} tells {1} classes apart; the new model will know only the {2} of your data. It can no longer answer: {3}. To keep them, add pictures of each to your data.</source>
   <translation>{0}は{1}クラスを見分けますが、新しいモデルが知るのはあなたのデータの{2}クラスだけです。次のものは回答できなくなります: {3}。残すには、それぞれの画像をデータに加えてください。</translation>
  </message>
 </context>
 <context>
  <name>StepList</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Step {0} of {1}: {2}</source>
   <translation>手順{0} / {1}: {2}</translation>
  </message>
 </context>
 <context>
  <name>Strip</name>
  <message>
   <location filename="../../desktop/ui/teach/heaps.py" />
   <source>Pictures of the heap</source>
   <translation>山の画像</translation>
  </message>
 </context>
 <context>
  <name>Suiting</name>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like a chest X-ray.</source>
   <translation>これは胸部X線画像のようです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like a handwritten digit.</source>
   <translation>これは手書き数字のようです。</translation>
  </message>
  <message>
   <location filename="../../desktop/core/trust/suiting.py" />
   <source>This looks like an everyday photo.</source>
   <translation>これは日常の写真のようです。</translation>
  </message>
 </context>
 <context>
  <name>SummaryPage</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source> · at most {0} of them are learned from</source>
   <translation> · 学習には最大{0}枚</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source> · {0} left out</source>
   <translation> · {0}枚を除外</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>'fovea train --plan FILE' follows it in the terminal</source>
   <translation>ターミナルでは'fovea train --plan FILE'で同じことができます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>1 epoch</source>
   <translation>1エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Checked with</source>
   <translation>検証用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Input</source>
   <translation>入力</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Learning</source>
   <extracomment>A page of the wizard: how long and how fast the network learns.</extracomment>
   <translation>学習方法</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Name of the model</source>
   <translation>モデルの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Network</source>
   <translation>ネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>On the command line: {0}</source>
   <translation>コマンドラインでは: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Ready to learn</source>
   <translation>学習の準備完了</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Save as a plan file…</source>
   <translation>計画ファイルとして保存…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Save the Plan</source>
   <translation>計画を保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Start</source>
   <translation>開始点</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>The plan was not written ({0}).</source>
   <translation>計画は書き込まれませんでした({0})。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Training goes on in the background while you work; you can pause it, stop it, close Fovea and take it up again. The model then stands beside the others.</source>
   <translation>学習は作業中に裏で進みます。一時停止や停止ができ、Foveaを閉じて再開することもできます。できたモデルはほかのモデルと並びます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>Variety</source>
   <extracomment>A page of the wizard: changes made to training pictures (data augmentation).</extracomment>
   <translation>変化</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>a new last layer on top of {0}</source>
   <translation>{0}の上に新しい最後の層</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>all of them, each by a last layer that did not learn from it (cross-validation)</source>
   <translation>すべて。それぞれを、その画像から学習していない最後の層で検証(交差検証)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>colour</source>
   <translation>カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>cut from the middle</source>
   <translation>中央を切り抜き</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>goes on with the model {0}</source>
   <translation>モデル{0}から続ける</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>ink found and centred</source>
   <translation>インクを見つけて中央に</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>stretched</source>
   <translation>引き伸ばし</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>the data's own validation pictures</source>
   <translation>データ自身の検証画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>whole picture, padded</source>
   <translation>全体(余白付加)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>worked out in {0} ways, the best one is kept; takes seconds</source>
   <translation>{0}通りで計算し、最良のものを残す。数秒で終わります</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0} epochs</source>
   <translation>{0}エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0} of them, about {1} pictures, drawn with the seed {2}</source>
   <translation>そのうち{0}、画像約{1}枚、シード{2}で抽選</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, batches of {1}, {2} at a rate of {3}</source>
   <translation>{0}、バッチ{1}、{2}、学習率{3}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, its last layer tuned</source>
   <translation>{0}、最後の層を調整</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}, its last {1} layers tuned</source>
   <translation>{0}、最後の{1}層を調整</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/summary_page.py" />
   <source>{0}: {1} pictures in {2} classes ({3})</source>
   <translation>{0}: {2}クラスの画像{1}枚({3})</translation>
  </message>
 </context>
 <context>
  <name>Table</name>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>95 % interval</source>
   <translation>95 %区間</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>About</source>
   <extracomment>Before a text on a model's card: what the model does.</extracomment>
   <translation>概要</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Answer</source>
   <extracomment>How the answer follows from the scores.</extracomment>
   <translation>回答</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Credits</source>
   <extracomment>Who is to be named as author of data and methods.</extracomment>
   <translation>クレジット</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>FAILED</source>
   <translation>失敗</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Fails on</source>
   <translation>失敗例</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>For</source>
   <extracomment>Before a text on a model's card: what it is intended for.</extracomment>
   <translation>用途</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Input</source>
   <translation>入力</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Labels</source>
   <translation>ラベル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Limits</source>
   <translation>限界</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Measured</source>
   <translation>測定</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Must not</source>
   <translation>禁止用途</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Network</source>
   <translation>ネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Notice</source>
   <translation>注意</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Numbers</source>
   <extracomment>What the numbers beside answers are called.</extracomment>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>STOPS TRAINING</source>
   <translation>学習不可</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状態</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>Trained on</source>
   <translation>学習データ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>accuracy</source>
   <translation>正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>answer</source>
   <translation>回答</translation>
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
   <translation>開始</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>best</source>
   <extracomment>The best value found by a search.</extracomment>
   <translation>最良</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>caution</source>
   <translation>注意</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>check</source>
   <translation>確認</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>class</source>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>colour</source>
   <translation>カラー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>colours</source>
   <translation>色</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>component</source>
   <translation>コンポーネント</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>damaged</source>
   <translation>破損</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>device</source>
   <translation>デバイス</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>done</source>
   <translation>完了</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>epoch</source>
   <translation>エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>epochs</source>
   <translation>エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>failed</source>
   <translation>失敗</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>figure</source>
   <translation>数値</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>file</source>
   <translation>ファイル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>fingerprint</source>
   <translation>フィンガープリント</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>formats</source>
   <translation>形式</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>from</source>
   <extracomment>Head of a column: where a model comes from, from Fovea or from the user.</extracomment>
   <translation>元</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>grey</source>
   <translation>グレー</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>hint</source>
   <translation>ヒント</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>id</source>
   <translation>ID</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>images</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>input</source>
   <translation>入力</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>installed</source>
   <translation>インストール済み</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>interrupted</source>
   <translation>中断</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>kind</source>
   <translation>種類</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>labels</source>
   <translation>ラベル数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>licence</source>
   <translation>ライセンス</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>loss</source>
   <translation>損失</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>made for</source>
   <translation>用途</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>message</source>
   <translation>メッセージ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>model</source>
   <translation>モデル</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>model score</source>
   <translation>モデルスコア</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>ms</source>
   <translation>ms</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>name</source>
   <translation>名前</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>net</source>
   <translation>ネットワーク</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>next</source>
   <extracomment>Head of a column: the classes with the next highest scores.</extracomment>
   <translation>次点</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>no</source>
   <translation>いいえ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>not installed</source>
   <translation>未インストール</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>note</source>
   <translation>注記</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>ok</source>
   <translation>正常</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>parameters</source>
   <translation>パラメータ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>parent</source>
   <extracomment>The training that this one went on from.</extracomment>
   <translation>継続元</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>paused</source>
   <translation>一時停止中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>people</source>
   <extracomment>How many people the pictures show, as far as names of files tell.</extracomment>
   <translation>人</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>picture</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>precision</source>
   <translation>適合率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>preset</source>
   <translation>プリセット</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>probability</source>
   <translation>確率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>pruned</source>
   <extracomment>A trial of a search that was ended early.</extracomment>
   <translation>打ち切り</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>queued</source>
   <translation>待機中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>ready</source>
   <translation>準備完了</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>recall</source>
   <translation>再現率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>run</source>
   <translation>実行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>running</source>
   <translation>実行中</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>search</source>
   <translation>探索</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>seconds</source>
   <translation>秒</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>size</source>
   <translation>大きさ</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>specificity</source>
   <translation>特異度</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>state</source>
   <translation>状態</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>stopped</source>
   <translation>停止</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>the plans differ in</source>
   <translation>計画の違い</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>time</source>
   <translation>時間</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>training</source>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>trial</source>
   <translation>試行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>trials</source>
   <translation>試行</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>truth \ answer</source>
   <translation>正解 \ 回答</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>val_accuracy</source>
   <translation>検証正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>val_balanced_accuracy</source>
   <translation>検証均衡正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>val_loss</source>
   <translation>検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>validation</source>
   <translation>検証</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>value</source>
   <translation>値</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>version</source>
   <translation>バージョン</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>weights</source>
   <translation>重み</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>weights not installed</source>
   <translation>重み未インストール</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>what it is</source>
   <translation>説明</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>yes</source>
   <translation>はい</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/table_words.py" />
   <source>you</source>
   <extracomment>In the column 'from': the user made or brought it in.</extracomment>
   <translation>自分</translation>
  </message>
 </context>
 <context>
  <name>TeachCamera</name>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source> a second</source>
   <translation> /秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Frames a second</source>
   <translation>毎秒フレーム数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Hold a class's key, or its button, to record what the camera sees as that class.</source>
   <translation>クラスのキーまたはボタンを押している間、カメラに映るものをそのクラスとして記録します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Hold to record {0}</source>
   <translation>押して{0}を記録</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Leave out frames that are nearly alike</source>
   <translation>ほとんど同じフレームを除く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Recording “{0}”…</source>
   <translation>「{0}」を記録しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>The camera is off: turn it on first.</source>
   <translation>カメラが切れています。先に入れてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>Type the name of a class at the left first; then hold its key here.</source>
   <translation>先に左でクラスの名前を入力し、それからここでそのキーを押し続けてください。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>{0} frames were kept.</source>
   <translation>{0}フレームを保存しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>{0} were nearly the one before and left out.</source>
   <translation>{0}フレームは直前とほぼ同じなので除きました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/camera_part.py" />
   <source>“{0}”: {1} frames</source>
   <translation>「{0}」: {1}フレーム</translation>
  </message>
 </context>
 <context>
  <name>TeachStart</name>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Begin with a folder…</source>
   <translation>フォルダーから始める…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Drop unsorted pictures or folders here, say what a few of them are, and Fovea suggests the rest. Your files stay where they are and are never changed; nothing leaves this computer.</source>
   <translation>未整理の画像やフォルダーをここにドロップし、数枚が何かを教えると、残りはFoveaが提案します。ファイルは元の場所のまま決して変更されず、このコンピューターの外には何も出ません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>New project…</source>
   <translation>新しいプロジェクト…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Teach Fovea to tell your pictures apart</source>
   <translation>画像の見分け方をFoveaに教える</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>Your projects</source>
   <translation>あなたのプロジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>{0}:  {1} of {2} pictures labelled, {3} classes, {4}</source>
   <translation>{0}:  画像{2}枚中{1}枚にラベル、{3}クラス、{4}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/start.py" />
   <source>{0}: cannot be opened ({1})</source>
   <translation>{0}: 開けません({1})</translation>
  </message>
 </context>
 <context>
  <name>TeachView</name>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>A Folder of Pictures</source>
   <translation>画像のフォルダー</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Add Pictures</source>
   <translation>画像を追加</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>All {0} pictures were here already.</source>
   <translation>画像{0}枚はすべて、すでにここにあります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Delete…</source>
   <translation>削除…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Done again: {0}.</source>
   <translation>やり直しました: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Drop pictures, folders or archives to add them to “{0}”</source>
   <translation>画像、フォルダー、アーカイブをドロップすると「{0}」に追加します</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Drop pictures, folders or archives to begin a project with them</source>
   <translation>画像、フォルダー、アーカイブをドロップすると、それでプロジェクトを始めます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Duplicate</source>
   <translation>複製</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Find moved pictures…</source>
   <translation>移動した画像を探す…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Make it a model…</source>
   <translation>モデルにする…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Name of the project</source>
   <translation>プロジェクトの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>New Project</source>
   <translation>新しいプロジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>No pictures were found there. Fovea reads JPEG, PNG, TIFF, HEIC, WebP, DICOM and more.</source>
   <translation>そこに画像は見つかりませんでした。FoveaはJPEG、PNG、TIFF、HEIC、WebP、DICOMなどを読めます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Pictures</source>
   <translation>画像</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Rename the Project</source>
   <translation>プロジェクトの名前を変更</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Rename…</source>
   <translation>名前を変更…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Sort the files by label…</source>
   <translation>ファイルをラベルで整理…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Teach</source>
   <translation>教える</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>The project “{0}” is back.</source>
   <translation>プロジェクト「{0}」が戻りました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>Undone: {0}.</source>
   <translation>元に戻しました: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>a change of the classes</source>
   <translation>クラスの変更</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>adding {0} pictures</source>
   <translation>画像{0}枚の追加</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>importing {0} labels</source>
   <translation>ラベル{0}件のインポート</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>labelling {0} pictures</source>
   <translation>画像{0}枚のラベル付け</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>merging a class of {0} pictures</source>
   <translation>画像{0}枚のクラスの統合</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>removing {0} pictures</source>
   <translation>画像{0}枚の除外</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>starring {0} pictures</source>
   <translation>画像{0}枚の星付け</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>taking back {0} labels</source>
   <translation>ラベル{0}件の取り消し</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} pictures were added.</source>
   <translation>画像{0}枚を追加しました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} pictures were added; {1} were here already.</source>
   <translation>画像{0}枚を追加しました。{1}枚はすでにありました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>{0} places could not be read.</source>
   <translation>{0}か所が読めませんでした。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>“{0}” was deleted; Undo brings it back. Your files were not touched.</source>
   <translation>「{0}」を削除しました。「元に戻す」で戻ります。ファイルには触れていません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/teach/view.py" />
   <source>“{0}” was duplicated.</source>
   <translation>「{0}」を複製しました。</translation>
  </message>
 </context>
 <context>
  <name>ThisIsA</name>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>A model that is taught by this project learns from it. The picture itself is not changed or copied.</source>
   <translation>このプロジェクトで教えるモデルがこれから学習します。画像自体は変更もコピーもされません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>A new project</source>
   <translation>新しいプロジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Add</source>
   <translation>追加</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Add to the project</source>
   <translation>プロジェクトに追加</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Corrections</source>
   <translation>訂正</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>It is a</source>
   <translation>これは</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Its right class</source>
   <translation>正しいクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Its right class, an old or a new one</source>
   <translation>正しいクラス(既存または新規)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Name of the new project</source>
   <translation>新しいプロジェクトの名前</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>Teach project</source>
   <translation>「教える」のプロジェクト</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>This Is a…</source>
   <translation>これは次のもの…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/this_is_a.py" />
   <source>{0} pictures</source>
   <translation>画像{0}枚</translation>
  </message>
 </context>
 <context>
  <name>ThresholdBar</name>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>'{0}' from a score of</source>
   <translation>次のスコア以上を「{0}」</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Choose for me</source>
   <translation>自動で選ぶ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Largest sensitivity + specificity (Youden)</source>
   <translation>感度+特異度が最大(ユーデン)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Sensitivity of {0} % or more</source>
   <translation>感度{0} %以上</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Specificity of {0} % or more</source>
   <translation>特異度{0} %以上</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>The model's own decision</source>
   <translation>モデル自身の判定</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Threshold</source>
   <translation>しきい値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>Threshold as a number</source>
   <translation>しきい値の数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/evaluate/head.py" />
   <source>chosen by hand on this data</source>
   <translation>このデータで手動で選択</translation>
  </message>
 </context>
 <context>
  <name>Tools</name>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Delete</source>
   <translation>削除</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Eraser</source>
   <translation>消しゴム</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Export the drawing…</source>
   <translation>描画をエクスポート…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>For pens of graphics tablets and touch screens</source>
   <translation>ペンタブレットとタッチ画面のペン用</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>New sheet</source>
   <translation>新しい用紙</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Pen</source>
   <extracomment>A tool to draw with.</extracomment>
   <translation>ペン</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Pen pressure changes the width</source>
   <translation>筆圧で太さを変える</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Picture below the strokes…</source>
   <translation>線の下に画像…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Redo</source>
   <translation>やり直す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Take the picture below away</source>
   <translation>下の画像を外す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Thick</source>
   <translation>太い</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Thin</source>
   <translation>細い</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Undo</source>
   <translation>元に戻す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>Width of the stroke</source>
   <translation>線の太さ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/tools.py" />
   <source>{0} % of the sheet</source>
   <translation>用紙の{0} %</translation>
  </message>
 </context>
 <context>
  <name>Train</name>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Begun</source>
   <extracomment>When a training was begun.</extracomment>
   <translation>開始</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Calibrating the scores</source>
   <translation>スコアを校正しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cancelled</source>
   <translation>キャンセル済み</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cancelling…</source>
   <translation>キャンセルしています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Computing features</source>
   <translation>特徴量を計算しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cut off</source>
   <translation>中断</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Cut off after {0} of {1} epochs</source>
   <translation>{1}エポック中{0}エポックで中断</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Data</source>
   <translation>データ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Device</source>
   <translation>デバイス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Done</source>
   <translation>完了</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Done, the model is ready</source>
   <translation>完了、モデルは準備済み</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Epoch {0} of {1}</source>
   <translation>エポック{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Epochs</source>
   <translation>エポック数</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Evaluating</source>
   <translation>評価しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Exporting the model</source>
   <translation>モデルをエクスポートしています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Failed</source>
   <translation>失敗</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Measuring where it can be trusted</source>
   <translation>信頼できる範囲を測っています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Paused</source>
   <translation>一時停止中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Paused in epoch {0} of {1}</source>
   <translation>エポック{0} / {1}で一時停止中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Pausing after this batch…</source>
   <translation>このバッチのあと一時停止します…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Preparing the images</source>
   <translation>画像を準備しています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Preset</source>
   <extracomment>A ready-made set of settings for a training.</extracomment>
   <translation>プリセット</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Run</source>
   <extracomment>One training with its plan, curves and figures, as it is kept.</extracomment>
   <translation>実行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Running</source>
   <translation>実行中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Runs</source>
   <extracomment>Trainings that are kept, with their plans, curves and figures.</extracomment>
   <translation>実行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Starting…</source>
   <translation>開始しています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>State</source>
   <extracomment>What a training is doing: waiting, running, done …</extracomment>
   <translation>状態</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopped</source>
   <translation>停止済み</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopped after {0} of {1} epochs</source>
   <translation>{1}エポック中{0}エポックで停止</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopping after epoch {0}…</source>
   <translation>エポック{0}のあと停止します…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Stopping, keeping a checkpoint…</source>
   <translation>停止しています。チェックポイントを残します…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Time spent</source>
   <translation>かかった時間</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation accuracy</source>
   <translation>検証正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>Validation loss</source>
   <translation>検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waiting</source>
   <translation>待機中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waiting for its turn</source>
   <translation>順番を待っています</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Waits since Fovea was closed</source>
   <translation>Foveaが閉じられてから待機中</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>Writing the model</source>
   <translation>モデルを書き込んでいます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>a moment left</source>
   <translation>あとわずか</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>about {0} left</source>
   <translation>残り約{0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/job_list.py" />
   <source>best epoch: {0}</source>
   <translation>最良のエポック: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the best epoch</source>
   <translation>最良のエポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>of the finished model</source>
   <translation>完成したモデル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/runs_table.py" />
   <source>{0} of {1}</source>
   <translation>{0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/curves.py" />
   <source>{0} – best</source>
   <translation>{0} – 最良</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/words.py" />
   <source>{0}: {1} of {2}</source>
   <translation>{0}: {1} / {2}</translation>
  </message>
 </context>
 <context>
  <name>TrainView</name>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>A search varies the settings of a training. Make a training first; it may be short.</source>
   <translation>探索は学習の設定を変えて試します。先に学習を行ってください。短くてもかまいません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Drop a folder of class folders, or a training plan, to train a model</source>
   <translation>クラス別フォルダーのあるフォルダー、または学習計画をドロップすると、モデルを学習します</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Fovea closes when the running epoch is done and its model is in the store.</source>
   <translation>実行中のエポックが終わり、そのモデルが保管されるとFoveaを閉じます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Runs</source>
   <extracomment>Trainings that are kept, with their plans, curves and figures.</extracomment>
   <translation>実行</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Searches</source>
   <translation>探索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>The training “{0}” ended: {1}</source>
   <translation>学習「{0}」が終わりました: {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings</source>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings were taken up again, as you asked: {0}.</source>
   <translation>ご希望どおり学習を再開しました: {0}。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>Trainings, runs and searches</source>
   <translation>学習、実行、探索</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” goes on where it was: after epoch {1} of {2}.</source>
   <translation>「{0}」は続きから進みます: エポック{1} / {2}のあと。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” is back among the runs.</source>
   <translation>「{0}」は実行の一覧に戻りました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” is trained and can now be chosen as a model.</source>
   <translation>「{0}」の学習が終わり、モデルとして選べるようになりました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/view.py" />
   <source>“{0}” was deleted. Undo brings it back, for thirty days.</source>
   <translation>「{0}」を削除しました。30日間は「元に戻す」で戻せます。</translation>
  </message>
 </context>
 <context>
  <name>TrainingTab</name>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Accuracy</source>
   <translation>正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Epoch</source>
   <translation>エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Figures by epoch</source>
   <translation>エポックごとの数値</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Loss</source>
   <extracomment>Machine learning: the value that training makes small.</extracomment>
   <translation>損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Seconds</source>
   <translation>秒</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>This model came without the story of its training.</source>
   <translation>このモデルには学習の記録がありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Validation accuracy</source>
   <translation>検証正解率</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>Validation loss</source>
   <translation>検証損失</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>epoch</source>
   <translation>エポック</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>training</source>
   <translation>学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/models/tabs.py" />
   <source>validation</source>
   <translation>検証</translation>
  </message>
  <message>
   <source>Checked</source>
   <translation type="vanished">検証結果</translation>
  </message>
  <message>
   <source>Comes from</source>
   <translation type="vanished">入手元</translation>
  </message>
  <message>
   <source>Credit</source>
   <translation type="vanished">クレジット</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation type="vanished">ライセンス</translation>
  </message>
  <message>
   <source>Network</source>
   <translation type="vanished">ネットワーク</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation type="vanished">パラメータ</translation>
  </message>
  <message>
   <source>Reported</source>
   <translation type="vanished">報告値</translation>
  </message>
  <message>
   <source>Size of the download</source>
   <translation type="vanished">ダウンロードの大きさ</translation>
  </message>
 </context>
 <context>
  <name>TrainingWizard</name>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Back</source>
   <extracomment>Button of a wizard: the page before.</extracomment>
   <translation>戻る</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Help</source>
   <translation>ヘルプ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>New Training</source>
   <translation>新しい学習</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Next</source>
   <translation>次へ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/train/wizard/wizard.py" />
   <source>Start training</source>
   <translation>学習を開始</translation>
  </message>
 </context>
 <context>
  <name>TruthPanel</name>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>A button or its key keeps the drawing, with its true label, for training.</source>
   <translation>ボタンまたはそのキーで、正解ラベルとともに描画を学習用に保存します。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Keep the drawing as {0}</source>
   <translation>描画を{0}として保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Keep the drawing with its true label</source>
   <translation>正解ラベルを付けて描画を保存</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>None kept yet.</source>
   <translation>まだ保存なし。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Open the folder</source>
   <translation>フォルダーを開く</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>Take the last one back</source>
   <translation>最後のものを取り消す</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>That was a {0}</source>
   <extracomment>The user says which digit a drawing was meant to be.</extracomment>
   <translation>それは{0}です</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>That was a …</source>
   <extracomment>The user says which digit a drawing was meant to be; buttons 0 to 9 follow.</extracomment>
   <translation>それは…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/draw/truth.py" />
   <source>{0} kept ({1})</source>
   <extracomment>Number of drawings kept, and how many of each digit.</extracomment>
   <translation>{0}枚保存({1})</translation>
  </message>
 </context>
 <context>
  <name>UpdatesDialog</name>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>&amp;Address</source>
   <translation>アドレス(&amp;A)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Address of the update file</source>
   <translation>更新ファイルのアドレス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Cancel the check</source>
   <translation>確認をキャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Check &amp;now</source>
   <translation>今すぐ確認(&amp;N)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Check for Updates</source>
   <translation>更新を確認</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Files and their checksums: {0}</source>
   <translation>ファイルとそのチェックサム: {0}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Fovea never looks for updates by itself. When you ask, it reads one small file at the address below and tells you what it says. Nothing about you, this computer or your pictures is sent.</source>
   <translation>Foveaが自分から更新を探すことはありません。求められると、下のアドレスの小さなファイルを一つ読み、その内容を伝えます。あなた、このコンピューター、画像についての情報は何も送信されません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Fovea {0} of {1} is newer than this one.</source>
   <translation>Fovea {0}({1})は今のものより新しいバージョンです。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>Reading the update file</source>
   <translation>更新ファイルを読んでいます</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>The check was cancelled.</source>
   <translation>確認はキャンセルされました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>This is Fovea {0}.</source>
   <translation>これはFovea {0}です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>This is the newest version that the file tells of ({0}).</source>
   <translation>更新ファイルにある最新のバージョンです({0})。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/dialogs/updates.py" />
   <source>https://… (empty: off)</source>
   <translation>https://…(空欄: オフ)</translation>
  </message>
 </context>
 <context>
  <name>WhyBar</name>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Ask again</source>
   <translation>もう一度求める</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Asking the network for gradients… The first time TensorFlow is loaded for it.</source>
   <translation>ネットワークに勾配を求めています… 初回はTensorFlowを読み込みます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright areas point towards “{0}”.</source>
   <translation>明るい部分は「{0}」を示しています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright areas point towards “{0}”. The network takes each feature where it is strongest, so single spots count.</source>
   <translation>明るい部分は「{0}」を示しています。ネットワークは各特徴量を最も強い所で取るので、一つ一つの点が意味を持ちます。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Bright: covering this part lowers the score of “{0}”.</source>
   <translation>明るい所: この部分を隠すと「{0}」のスコアが下がります。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancel</source>
   <translation>キャンセル</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancelled before a map was there.</source>
   <translation>マップができる前にキャンセルされました。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Cancelled: {0} of {1} parts were covered, the others not.</source>
   <translation>キャンセルしました: {1}か所のうち{0}か所を隠し、残りは隠していません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Class</source>
   <extracomment>A class that pictures are sorted into.</extracomment>
   <translation>クラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Class to explain</source>
   <translation>説明するクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Close</source>
   <translation>閉じる</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Covering one part after the other: {0} of {1}</source>
   <translation>部分を一つずつ隠しています: {0} / {1}</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Covering parts</source>
   <extracomment>A method: parts of the picture are covered one after the other (occlusion).</extracomment>
   <translation>部分を隠す</translation>
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
   <translation>勾配(Grad-CAM)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>How to find out</source>
   <translation>調べ方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>How to find out where the network looked</source>
   <translation>ネットワークが見た場所の調べ方</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>It shows where the network looked, not whether it is right.</source>
   <translation>これはネットワークが見た場所を示すもので、正しいかどうかは示しません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Its own map (CAM)</source>
   <extracomment>A method: class activation mapping.</extracomment>
   <translation>モデル自身のマップ(CAM)</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Looking…</source>
   <translation>調べています…</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Nothing in the picture points towards “{0}”.</source>
   <translation>この画像に「{0}」を示すものはありません。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Overlay</source>
   <extracomment>How strongly the heat map covers the picture.</extracomment>
   <translation>重ね合わせ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Shown on what the network saw, at the right: the ink was moved and scaled.</source>
   <translation>右は、ネットワークが見たものに重ねて表示: インクは移動・拡縮されています。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Strength of the overlay</source>
   <translation>重ね合わせの強さ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>The class that the bright places point towards</source>
   <translation>明るい場所が示すクラス</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>The map is coarse: {0} × {1} places.</source>
   <translation>マップは粗く、{0}×{1}か所です。</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>Where the network looked</source>
   <translation>ネットワークが見た場所</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>nothing</source>
   <extracomment>The lower end of a colour scale.</extracomment>
   <translation>ゼロ</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/classify/why_bar.py" />
   <source>points most towards the class</source>
   <translation>このクラスを最も強く示す</translation>
  </message>
 </context>
 <context>
  <name>_Cards</name>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">破損: {0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">独自のクラスなし</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">インストール済み</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">インストール済み(土台用)</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未インストール</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未インストール · 取得量{0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">未作成 · 取得不要</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未測定</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">付属</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">自分の</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0}クラス</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} カラー</translation>
  </message>
 </context>
 <context>
  <name>_CellDelegate</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>/ {0}</translation>
  </message>
 </context>
 <context>
  <name>_Combo</name>
  <message>
   <location filename="../../desktop/ui/widgets/model_chooser.py" />
   <source>Choose a model</source>
   <translation>モデルを選択</translation>
  </message>
 </context>
 <context>
  <name>_Delegate</name>
  <message>
   <source>Damaged: {0}</source>
   <translation type="vanished">破損: {0}</translation>
  </message>
  <message>
   <source>Has no classes of its own</source>
   <translation type="vanished">独自のクラスなし</translation>
  </message>
  <message>
   <source>Installed</source>
   <translation type="vanished">インストール済み</translation>
  </message>
  <message>
   <source>Installed, to build upon</source>
   <translation type="vanished">インストール済み(土台用)</translation>
  </message>
  <message>
   <source>Not installed</source>
   <translation type="vanished">未インストール</translation>
  </message>
  <message>
   <source>Not installed · {0} to fetch</source>
   <translation type="vanished">未インストール · 取得量{0}</translation>
  </message>
  <message>
   <source>Not made yet · nothing to fetch</source>
   <translation type="vanished">未作成 · 取得不要</translation>
  </message>
  <message>
   <source>Not measured</source>
   <translation type="vanished">未測定</translation>
  </message>
  <message>
   <source>With Fovea</source>
   <translation type="vanished">付属</translation>
  </message>
  <message>
   <source>Yours</source>
   <translation type="vanished">自分の</translation>
  </message>
  <message>
   <source>{0} classes</source>
   <translation type="vanished">{0}クラス</translation>
  </message>
  <message>
   <source>{0} · {1}×{1} colour</source>
   <translation type="vanished">{0} · {1}×{1} カラー</translation>
  </message>
 </context>
 <context>
  <name>_Enlarged</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>What the network saw</source>
   <translation>ネットワークが見たもの</translation>
  </message>
 </context>
 <context>
  <name>_JobDelegate</name>
  <message>
   <source>best epoch: {0}</source>
   <translation type="vanished">最良のエポック: {0}</translation>
  </message>
 </context>
 <context>
  <name>_Pictures</name>
  <message>
   <location filename="../../desktop/ui/teach/pictures_pane.py" />
   <source>{0} pictures</source>
   <translation>画像{0}枚</translation>
  </message>
 </context>
 <context>
  <name>_Pixels</name>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Click to enlarge</source>
   <translation>クリックで拡大</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Enlarge what the network saw</source>
   <translation>ネットワークが見たものを拡大</translation>
  </message>
  <message>
   <location filename="../../desktop/ui/widgets/prepared_view.py" />
   <source>Nothing yet</source>
   <translation>まだありません</translation>
  </message>
 </context>
 <context>
  <name>_Row</name>
  <message>
   <location filename="../../desktop/ui/teach/classes_pane.py" />
   <source>Name of the class</source>
   <translation>クラスの名前</translation>
  </message>
 </context>
 <context>
  <name>_TurnedHeader</name>
  <message>
   <location filename="../../desktop/ui/evaluate/matrix.py" />
   <source>of {0}</source>
   <translation>/ {0}</translation>
  </message>
 </context>
 <context>
  <name>argparse</name>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>ambiguous option: %(option)s could match %(matches)s</source>
   <translation>あいまいなオプション: %(option)s は %(matches)s のどれにも当てはまります</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>argument %(argument_name)s: %(message)s</source>
   <translation>引数 %(argument_name)s: %(message)s</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>expected at least one argument</source>
   <translation>引数が少なくとも一つ必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>expected at most one argument</source>
   <translation>引数は多くても一つです</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>expected one argument</source>
   <translation>引数が一つ必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>invalid %(type)s value: %(value)r</source>
   <translation>無効な %(type)s の値: %(value)r</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>invalid choice: %(value)r (choose from %(choices)s)</source>
   <translation>無効な選択: %(value)r(%(choices)s から選んでください)</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>not allowed with argument %s</source>
   <translation>引数 %s と一緒には使えません</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>one of the arguments %s is required</source>
   <translation>引数 %s のどれか一つが必要です</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>options</source>
   <translation>オプション</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>positional arguments</source>
   <translation>位置引数</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>show this help message and exit</source>
   <translation>このヘルプを表示して終了する</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>the following arguments are required: %s</source>
   <translation>次の引数が必要です: %s</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>unrecognized arguments: %s</source>
   <translation>認識できない引数: %s</translation>
  </message>
  <message>
   <location filename="../../desktop/cli/parser.py" />
   <source>usage: </source>
   <translation>使い方: </translation>
  </message>
 </context>
</TS>
