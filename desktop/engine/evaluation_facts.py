"""What a result keeps of the data that a model answered for."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.core.data.dataset import LabelledDataset
from desktop.core.data.label_map import LabelMap
from desktop.core.data.persons import Grouping, headers_of, patient_of, told_in
from desktop.core.figures.result import DataFacts


@dataclass(frozen=True, slots=True, eq=False)
class FileFacts:
    """What the files themselves tell of people: ``grouping`` says whose image each is (``None`` where nothing tells),
    ``private`` are the names of DICOM files that hold their patient's name or number, ``title`` is one that does
    not."""

    grouping: Grouping | None
    private: tuple[str, ...]
    title: str


def read_file_facts(data: LabelledDataset) -> FileFacts:
    """Open every file's header, once; for a thread."""
    if data.kind != "folders":
        return FileFacts(None, (), data.title)
    paths = [data.source(position).path for position in range(len(data))]
    headers = dict(zip(paths, headers_of(paths), strict=True))
    grouping = data.groups(patients_of=lambda some: [patient_of(headers.get(path, {})) for path in some])
    names, title = [], data.title
    for position, path in enumerate(paths):
        name = data.name(position)
        found = told_in(headers[path], (name, data.title))
        if name in found:
            names.append(name)
        if data.title in found:
            title = "data"
    return FileFacts(grouping if grouping.tells else None, tuple(names), title)


def data_facts(
    data: LabelledDataset, labels: LabelMap, names: tuple[str, ...], fingerprint: str, files: FileFacts
) -> DataFacts:
    """What a result keeps of its data. Opens nothing."""
    problems = tuple(problem.message for problem in data.problems) + labels.notes
    groups = files.grouping.count if files.grouping is not None else None
    mapping = labels.as_dict(data.classes, names)
    return DataFacts(
        files.title, data.split, fingerprint, data.classes, mapping, data.kind, data.root, problems, groups,
        files.private,
    )  # fmt: skip
