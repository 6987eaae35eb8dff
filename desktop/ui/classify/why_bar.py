"""The strip over the picture that says where the network looked: way, class, strength of the overlay, and its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QHBoxLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from desktop.services.explaining import Explainer
from desktop.ui.classify.panes import show_failure
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, set_role
from desktop.ui.widgets.heat import HeatLegend
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.engine.messages import Method
    from desktop.services.session import Session
    from desktop.store.manifest import Manifest

_MOST_CLASSES = 20


class WhyBar(QFrame):
    """Follows an :class:`Explainer`; hidden while nothing is to be explained."""

    def __init__(self, session: Session, explainer: Explainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._explainer = explainer
        self._manifest: Manifest | None = None
        self.setProperty("card", "true")
        self.setAccessibleName(self.tr("Where the network looked"))
        self._words = make_label("", "secondary", wrap=True)
        # Two lines from the start: the picture below must not jump each time the words change.
        self._words.setMinimumHeight(2 * self._words.fontMetrics().height() + 4)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._way = QComboBox()
        self._way.setAccessibleName(self.tr("How to find out"))
        self._way.setToolTip(self.tr("How to find out where the network looked"))
        self._way.activated.connect(self._choose_way)
        self._class = QComboBox()
        self._class.setAccessibleName(self.tr("Class to explain"))
        self._class.setToolTip(self.tr("The class that the bright places point towards"))
        self._class.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._class.setMinimumContentsLength(10)
        self._class.activated.connect(self._choose_class)
        self._strength = QSlider(Qt.Orientation.Horizontal)
        self._strength.setRange(0, 100)
        self._strength.setPageStep(20)
        self._strength.setValue(explainer.opacity)
        self._strength.setMinimumWidth(theme().scaled(72))
        self._strength.setAccessibleName(self.tr("Strength of the overlay"))
        self._strength.setToolTip(self.tr("Strength of the overlay"))
        self._strength.valueChanged.connect(explainer.set_opacity)
        self._stop = QPushButton(self.tr("Cancel"))
        self._stop.clicked.connect(explainer.cancel)
        self._again = QPushButton(self.tr("Ask again"))
        self._again.clicked.connect(explainer.again)
        self._close = QPushButton(self.tr("Close"))
        self._close.clicked.connect(self._on_close)
        self._failure = ErrorPanel()
        self._build()
        explainer.changed.connect(self.refresh)
        self.hide()

    def _build(self) -> None:
        controls = QGridLayout()
        controls.setHorizontalSpacing(8)
        controls.setVerticalSpacing(4)
        titles = (self.tr("Class"), self.tr("Found by"), self.tr("Overlay"))
        shown = zip(titles, (self._class, self._way, self._strength), strict=True)
        for column, (title, widget) in enumerate(shown):
            label = make_label(title, "secondary")
            label.setBuddy(widget)
            controls.addWidget(label, 0, column)
            controls.addWidget(widget, 1, column)
            controls.setColumnStretch(column, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self._stop)
        buttons.addWidget(self._again)
        buttons.addWidget(self._close)
        controls.addLayout(buttons, 1, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(controls)
        legend = FlowLayout(spacing=8)
        legend.addWidget(make_label(self.tr("nothing"), "secondary"))
        self.legend = HeatLegend()
        legend.addWidget(self.legend)
        legend.addWidget(make_label(self.tr("points most towards the class"), "secondary"))
        layout.addLayout(legend)
        layout.addWidget(self._words)
        layout.addWidget(self._failure)

    def set_manifest(self, manifest: Manifest | None) -> None:
        """The model whose answers are explained."""
        self._manifest = manifest
        self.refresh()

    @property
    def words(self) -> str:
        """What is said of the map."""
        return self._words.text()

    @Slot()
    def refresh(self) -> None:
        """Show what is wanted and what has come."""
        explainer, manifest = self._explainer, self._manifest
        self.setVisible(explainer.wanted and manifest is not None)
        if manifest is None or not explainer.wanted:
            return
        self._fill_ways()
        self._fill_classes(manifest)
        self._stop.setVisible(explainer.waiting)
        self._again.setVisible(explainer.stopped)
        failure = explainer.failure
        self._failure.clear() if failure is None else show_failure(self._failure, failure)
        self._words.setVisible(failure is None)
        self._words.setText(self._said(manifest))
        set_role(self._words, "secondary")

    def _fill_ways(self) -> None:
        names: dict[Method, str] = {
            "cam": self.tr("Its own map (CAM)"),
            "grad-cam": self.tr("Gradients (Grad-CAM)"),
            "occlusion": self.tr("Covering parts"),
        }
        offered = self._explainer.methods
        with QSignalBlocker(self._way):
            self._way.clear()
            for method in offered:
                self._way.addItem(names[method], method)
            chosen = self._explainer.chosen
            if chosen is not None:
                self._way.setCurrentIndex(offered.index(chosen))

    def _fill_classes(self, manifest: Manifest) -> None:
        prediction = self._session.prediction
        if prediction is None:
            return
        scores = prediction.probabilities
        order = sorted(range(len(manifest.labels)), key=lambda i: (-float(scores[i]), i))[:_MOST_CLASSES]
        shown = self._explainer.index if self._explainer.index is not None else prediction.index
        if shown not in order:
            order.append(shown)
        with QSignalBlocker(self._class):
            self._class.clear()
            for index in order:
                self._class.addItem(manifest.labels[index], index)
            self._class.setCurrentIndex(order.index(shown))

    def _said(self, manifest: Manifest) -> str:
        found = self._explainer.explanation
        if self._explainer.cancelled:
            if found is None:
                return self.tr("Cancelled before a map was there.")
            return self.tr("Cancelled: {0} of {1} parts were covered, the others not.").format(found.done, found.total)
        if found is None:
            if not self._explainer.waiting:
                return ""
            if self._explainer.chosen == "grad-cam":
                return self.tr("Asking the network… The first time this takes a little longer.")
            return self.tr("Looking…")
        if found.done < found.total:
            return self.tr("Covering one part after the other: {0} of {1}").format(found.done, found.total)
        label = manifest.labels[found.index]
        if not (found.heat > 0).any():
            text = self.tr("Nothing in the picture points towards “{0}”.").format(label)
        elif found.method == "occlusion":
            text = self.tr("Bright: covering this part lowers the score of “{0}”.").format(label)
        elif found.pooling == "maximum":
            text = self.tr(
                "Bright areas point towards “{0}”. The network takes each feature where it is strongest, so "
                "single spots count."
            ).format(label)
        else:
            text = self.tr("Bright areas point towards “{0}”.").format(label)
        if found.method != "occlusion" and min(found.heat.shape) < 5:
            rows, columns = found.heat.shape
            text += " " + self.tr("The map is coarse: {0} × {1} places.").format(columns, rows)
        if found.box is None:
            text += " " + self.tr("Shown on what the network saw, at the right: the ink was moved and scaled.")
        text += " " + self.tr("It shows where the network looked, not whether it is right.")
        return text  # the notice of a medical model stands above its answer, once

    @Slot(int)
    def _choose_way(self, row: int) -> None:
        self._explainer.set_method(self._way.itemData(row))

    @Slot(int)
    def _choose_class(self, row: int) -> None:
        self._explainer.set_index(self._class.itemData(row))

    @Slot()
    def _on_close(self) -> None:
        self._explainer.show(False)
