"""The engine as a real child process: answers, crashes, hostile pictures, late and cancelled requests."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from desktop.core.types import ImageSource
from desktop.engine import messages as m
from desktop.engine.client import EngineClient, _BatchState
from desktop.store.store import ModelStore
from tests.engine.treachery import put_first, put_treachery
from tests.patience import patient
from tests.store.makers import add_colours

SHADES = {"red": (220, 20, 10), "green": (10, 200, 30), "blue": (5, 25, 230)}


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    store = ModelStore(tmp_path / "bundled", tmp_path / "user")
    add_colours(store)
    return store


@pytest.fixture
def threads() -> int:
    return 1


in_both_ways = pytest.mark.parametrize("threads", [1, 3], ids=["decoded ahead", "on lanes"])
"""With one thread the pool decodes for one network; with several, each lane predicts its own pictures."""


@pytest.fixture
def client(store: ModelStore, threads: int) -> Iterator[EngineClient]:
    with EngineClient(store.bundled_root, store.user_root, threads=threads) as client:
        yield client
        pid = client.pid
    assert pid is not None and not psutil.pid_exists(pid)


@pytest.fixture
def treacherous_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In children the decoder dies or hangs at certain file names, as a fault in native code would make it."""
    put_treachery(tmp_path, monkeypatch)


def picture(folder: Path, name: str, colour: tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> ImageSource:
    path = folder / name
    Image.new("RGB", size, colour).save(path)
    return ImageSource.from_path(str(path))


def until(client: EngineClient, done: Callable[[list[m.Answer]], bool], limit_s: float = 60) -> list[m.Answer]:
    """Collect events until ``done`` holds of all of them."""
    end = time.monotonic() + patient(limit_s)
    seen: list[m.Answer] = []
    while not done(seen):
        assert time.monotonic() < end, f"not within {limit_s} s; seen: {seen}"
        seen.extend(client.events(1.0))
    return seen


def has(kind: type) -> Callable[[list[m.Answer]], bool]:
    return lambda seen: any(isinstance(answer, kind) for answer in seen)


def the(kind: type, seen: list[m.Answer]) -> m.Answer:
    return next(answer for answer in seen if isinstance(answer, kind))


def test_answer_holds_what_the_network_saw(client: EngineClient, tmp_path: Path) -> None:
    source = picture(tmp_path, "Ünï 日本 نص.png", SHADES["green"])
    client.submit(m.PredictRequest(client.next_id(), "colours", source))
    answer = the(m.Prediction, until(client, has(m.Prediction)))
    assert isinstance(answer, m.Prediction)
    assert answer.label == "green" and answer.index == 1
    assert answer.probabilities.dtype == np.float32 and abs(float(answer.probabilities.sum()) - 1) < 1e-5
    assert answer.prepared is not None and answer.prepared.shape == (8, 8, 3)
    assert (answer.prepared == SHADES["green"]).all()
    assert answer.original_size == (40, 30) and answer.format == "PNG"
    assert any(notice.code == "stretched" for notice in answer.notices)


@in_both_ways
def test_batch_and_single_give_the_same_input_and_scores(client: EngineClient, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sources = []
    for index in range(37):
        path = tmp_path / f"{index:02}.jpg"
        Image.fromarray(rng.integers(0, 255, (300, 400, 3), np.uint8)).save(path)
        sources.append(ImageSource.from_path(str(path)))
    client.submit(m.BatchRequest(client.next_id(), "colours", tuple(sources)))
    seen = until(client, has(m.BatchDone))
    items = [item for answer in seen if isinstance(answer, m.BatchAnswers) for item in answer.items]
    assert [item.position for item in items] == list(range(37))
    assert the(m.BatchDone, seen) == m.BatchDone(1, 37, False)
    for position in (0, 16, 36):
        client.submit(m.PredictRequest(client.next_id(), "colours", sources[position]))
        single = the(m.Prediction, until(client, has(m.Prediction)))
        batched = items[position]
        assert isinstance(single, m.Prediction) and isinstance(batched, m.Prediction)
        assert single.prepared_sha256 == batched.prepared_sha256
        np.testing.assert_allclose(single.probabilities, batched.probabilities, atol=1e-6)


@in_both_ways
def test_broken_files_do_not_stop_a_batch(client: EngineClient, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    white = picture(tmp_path, "white.png", (255, 255, 255))
    sources = (
        picture(tmp_path, "a.png", SHADES["red"]),
        ImageSource.from_path(str(empty)),
        ImageSource.from_path(str(tmp_path / "gone.jpg")),
        ImageSource.from_path(str(text)),
        white,
        picture(tmp_path, "b.png", SHADES["blue"]),
    )
    client.submit(m.BatchRequest(client.next_id(), "colours", sources))
    seen = until(client, has(m.BatchDone))
    items = [item for answer in seen if isinstance(answer, m.BatchAnswers) for item in answer.items]
    kinds = [item.kind if isinstance(item, m.Failure) else item.label for item in items]
    assert kinds[0] == "red" and kinds[5] == "blue"
    assert kinds[4] == "no-result"  # NaN is never a class
    assert all(isinstance(items[index], m.Failure) for index in (1, 2, 3))
    assert not any(str(tmp_path) in item.message for item in items if isinstance(item, m.Failure))


def test_unknown_and_damaged_models_fail_and_others_answer(
    client: EngineClient, store: ModelStore, tmp_path: Path
) -> None:
    add_colours(store, id="hurt", name="Hurt")
    path = store.user_root / "hurt" / "model.tflite"
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)
    add_colours(store, id="wrong", name="Wrong", labels=("red", "green"))
    source = picture(tmp_path, "a.png", SHADES["red"])
    for model, kind in (("nope", "no-such-model"), ("hurt", "damaged"), ("wrong", "mismatch")):
        client.submit(m.PredictRequest(client.next_id(), model, source))
        failure = the(m.Failure, until(client, has(m.Failure)))
        assert isinstance(failure, m.Failure) and failure.kind == kind and failure.model_failed
    client.submit(m.PredictRequest(client.next_id(), "colours", source))
    assert the(m.Prediction, until(client, has(m.Prediction))).label == "red"  # type: ignore[union-attr]


def test_newest_request_wins(client: EngineClient, tmp_path: Path) -> None:
    sources = [picture(tmp_path, f"{name}.png", shade) for name, shade in SHADES.items()] * 20
    ids = []
    for source in sources:
        ids.append(client.next_id())
        client.submit(m.PredictRequest(ids[-1], "colours", source))
    seen = until(client, lambda seen: any(getattr(a, "id", 0) == ids[-1] for a in seen))
    answered = [a.id for a in seen if isinstance(a, m.Prediction)]
    assert answered[-1] == ids[-1] and answered == sorted(answered)
    assert client.events(0.3) == []


@in_both_ways
def test_cancelled_batch_ends_early(client: EngineClient, tmp_path: Path) -> None:
    source = picture(tmp_path, "big.png", SHADES["red"], (1500, 1500))
    request = client.next_id()
    client.submit(m.BatchRequest(request, "colours", (source,) * 3000))
    until(client, has(m.BatchAnswers))
    client.cancel(request)
    done = the(m.BatchDone, until(client, has(m.BatchDone)))
    assert isinstance(done, m.BatchDone) and done.cancelled and done.done < 3000
    client.submit(m.PredictRequest(client.next_id(), "colours", source))
    assert the(m.Prediction, until(client, has(m.Prediction)))


@in_both_ways
def test_an_answer_is_not_kept_waiting_by_a_batch(client: EngineClient, tmp_path: Path) -> None:
    sources = tuple(picture(tmp_path, f"{index}.png", SHADES["blue"], (300, 300)) for index in range(8)) * 60
    batch, single = client.next_id(), client.next_id()
    client.submit(m.BatchRequest(batch, "colours", sources))
    until(client, has(m.BatchAnswers))
    client.submit(m.PredictRequest(single, "colours", picture(tmp_path, "a.png", SHADES["red"])))
    seen = until(client, has(m.BatchDone))
    order = [answer.id for answer in seen if isinstance(answer, m.Prediction | m.BatchDone)]
    assert order == [single, batch]
    assert the(m.BatchDone, seen) == m.BatchDone(batch, len(sources), False)


def test_killed_between_requests_it_comes_back(client: EngineClient, tmp_path: Path) -> None:
    until(client, has(m.Ready))
    first = client.pid
    assert first is not None
    psutil.Process(first).kill()
    lost = the(m.EngineLost, until(client, has(m.EngineLost)))
    assert isinstance(lost, m.EngineLost) and lost.restarting
    client.submit(m.PredictRequest(client.next_id(), "colours", picture(tmp_path, "a.png", SHADES["blue"])))
    answer = the(m.Prediction, until(client, has(m.Prediction)))
    assert isinstance(answer, m.Prediction) and answer.label == "blue"
    assert client.pid != first


@pytest.mark.usefixtures("treacherous_decoder")
def test_killed_during_a_prediction_it_repeats_then_blames(store: ModelStore, tmp_path: Path) -> None:
    source = picture(tmp_path, "stuck.png", SHADES["red"])
    with EngineClient(store.bundled_root, store.user_root) as client:
        request = client.next_id()
        client.submit(m.PredictRequest(request, "colours", source))
        seen: list[m.Answer] = []
        for _ in range(3):
            _kill_once_started(client, request, seen, source)
        seen += client.events(0) if has(m.Failure)(seen) else until(client, has(m.Failure))
        failure = the(m.Failure, seen)
        assert isinstance(failure, m.Failure) and failure.kind == "engine-died" and failure.source == source
        assert sum(isinstance(answer, m.EngineLost) for answer in seen) == 3
        client.submit(m.PredictRequest(client.next_id(), "colours", picture(tmp_path, "a.png", SHADES["red"])))
        assert the(m.Prediction, until(client, has(m.Prediction)))


@pytest.mark.usefixtures("treacherous_decoder")
def test_killed_once_during_a_prediction_it_still_answers(store: ModelStore, tmp_path: Path) -> None:
    source = picture(tmp_path, "stuck-once.png", SHADES["red"])
    with EngineClient(store.bundled_root, store.user_root) as client:
        request = client.next_id()
        client.submit(m.PredictRequest(request, "colours", source))
        seen: list[m.Answer] = []
        _kill_once_started(client, request, seen, source)
        seen += until(client, has(m.Prediction))
        answer = the(m.Prediction, seen)
        assert isinstance(answer, m.Prediction) and answer.id == request and answer.label == "red"


def _kill_once_started(client: EngineClient, request: int, seen: list[m.Answer], source: ImageSource) -> None:
    end = time.monotonic() + patient(60)
    flag = Path(f"{source.path}.seen")
    while request not in client._started or not flag.exists():
        assert time.monotonic() < end and not has(m.Prediction)(seen)
        seen.extend(client.events(0.05))
    assert client.pid is not None
    psutil.Process(client.pid).kill()
    seen.extend(until(client, has(m.EngineLost)))


@in_both_ways
@pytest.mark.usefixtures("treacherous_decoder")
@pytest.mark.parametrize("how", ["deadly", "fatal"])
def test_a_picture_that_kills_its_process_in_a_batch_is_left_out(
    store: ModelStore, tmp_path: Path, threads: int, how: str
) -> None:
    sources = [picture(tmp_path, f"{index:03}.png", SHADES["green"]) for index in range(150)]
    deadly = {20, 21, 140} if how == "deadly" else {21, 140}
    for index in deadly:
        sources[index] = picture(tmp_path, f"{how}.png", SHADES["red"])
    with EngineClient(store.bundled_root, store.user_root, threads=threads) as client:
        client.submit(m.BatchRequest(client.next_id(), "colours", tuple(sources)))
        seen = until(client, has(m.BatchDone), 120)
        items = [item for answer in seen if isinstance(answer, m.BatchAnswers) for item in answer.items]
        assert [item.position for item in items] == list(range(150))
        assert {item.position for item in items if isinstance(item, m.Failure)} == deadly
        kind = "decoder-crashed" if how == "deadly" else "engine-died"
        assert {item.kind for item in items if isinstance(item, m.Failure)} == {kind}
        assert has(m.EngineLost)(seen) == (how == "fatal")  # a decoder's end is not the engine's
        assert the(m.BatchDone, seen) == m.BatchDone(1, 150, False)


def test_pictures_at_work_when_the_engine_is_killed_again_and_again_are_not_blamed(
    store: ModelStore, tmp_path: Path
) -> None:
    sources = tuple(picture(tmp_path, f"{index:03}.png", SHADES["green"]) for index in range(400))
    with EngineClient(store.bundled_root, store.user_root, threads=1) as client:
        client.submit(m.BatchRequest(client.next_id(), "colours", sources))
        seen: list[m.Answer] = []
        for _ in range(6):
            wanted = sum(isinstance(answer, m.BatchAnswers) for answer in seen) + 1
            seen += until(client, lambda new, wanted=wanted: has(m.BatchDone)(new) or has(m.BatchAnswers)(new))
            if client.pid is not None and not has(m.BatchDone)(seen):
                psutil.Process(client.pid).kill()
        if not has(m.BatchDone)(seen):
            seen += until(client, has(m.BatchDone), 120)
    items = [item for answer in seen if isinstance(answer, m.BatchAnswers) for item in answer.items]
    assert [item.position for item in items] == list(range(400))
    assert all(isinstance(item, m.Prediction) for item in items)


@pytest.mark.usefixtures("treacherous_decoder")
def test_a_picture_whose_decoder_never_ends_is_named_and_the_rest_answered(store: ModelStore, tmp_path: Path) -> None:
    sources = [picture(tmp_path, f"{index}.png", SHADES["green"]) for index in range(40)]
    sources[7] = picture(tmp_path, "looping.png", SHADES["red"])
    with EngineClient(store.bundled_root, store.user_root, threads=3) as client:
        client.submit(m.BatchRequest(client.next_id(), "colours", tuple(sources)))
        seen = until(client, has(m.BatchDone), 120)
    items = [item for answer in seen if isinstance(answer, m.BatchAnswers) for item in answer.items]
    assert [item.position for item in items if isinstance(item, m.Failure)] == [7]
    failure = items[7]
    assert isinstance(failure, m.Failure) and failure.kind == "took-too-long" and failure.source == sources[7]
    assert not has(m.EngineLost)(seen)


@pytest.mark.usefixtures("treacherous_decoder")
def test_the_next_picture_need_not_wait_for_one_that_hangs(store: ModelStore, tmp_path: Path) -> None:
    with EngineClient(store.bundled_root, store.user_root, threads=1) as client:
        first = client.next_id()
        client.submit(m.PredictRequest(first, "colours", picture(tmp_path, "stuck.png", SHADES["red"])))
        _begun(client, first)
        second = client.next_id()
        client.submit(m.PredictRequest(second, "colours", picture(tmp_path, "a.png", SHADES["blue"])))
        seen = until(client, has(m.Prediction), 40)  # a picture that hangs may take 60
        assert the(m.Prediction, seen).id == second and not has(m.Failure)(seen) and not has(m.EngineLost)(seen)


def _never_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine ends before its first word."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\nif 'from multiprocessing.spawn' in ' '.join(sys.orig_argv): raise SystemExit(3)\n"
    )
    put_first(monkeypatch, folder)


def test_an_engine_that_never_starts_is_given_up(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _never_starts(tmp_path, monkeypatch)
    source = picture(tmp_path, "a.png", SHADES["red"])
    with EngineClient(store.bundled_root, store.user_root) as client:
        client.submit(m.PredictRequest(client.next_id(), "colours", source))
        seen = until(client, has(m.Failure))
        failure = the(m.Failure, seen)
        assert isinstance(failure, m.Failure) and failure.kind == "engine-unavailable"
        assert [a.restarting for a in seen if isinstance(a, m.EngineLost)] == [True, True, False]
        client.submit(m.PredictRequest(client.next_id(), "colours", source))
        assert the(m.Failure, until(client, has(m.Failure)))


def test_no_picture_is_blamed_for_an_engine_that_never_starts(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _never_starts(tmp_path, monkeypatch)
    sources = tuple(picture(tmp_path, f"{index}.png", SHADES["red"]) for index in range(6))
    with EngineClient(store.bundled_root, store.user_root) as client:
        client.submit(m.BatchRequest(client.next_id(), "colours", sources))
        seen = until(client, has(m.BatchDone))
    assert the(m.BatchDone, seen) == m.BatchDone(1, 0, True)
    assert not has(m.BatchAnswers)(seen)


def test_a_start_that_the_system_refuses_counts_as_a_death(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from multiprocessing.context import SpawnProcess

    start, refused = SpawnProcess.start, [0]

    def refuse(process: SpawnProcess) -> None:
        refused[0] += 1
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(SpawnProcess, "start", refuse)
    source = picture(tmp_path, "a.png", SHADES["red"])
    with EngineClient(store.bundled_root, store.user_root) as client:
        client.submit(m.PredictRequest(client.next_id(), "colours", source))
        seen = until(client, has(m.Failure))
        failure = the(m.Failure, seen)
        assert isinstance(failure, m.Failure) and failure.kind == "engine-unavailable"
        lost = [a for a in seen if isinstance(a, m.EngineLost)]
        assert [a.restarting for a in lost] == [True, True, False]
        assert refused == [3] and "Resource temporarily unavailable" in lost[0].reason
        client.restart()
        monkeypatch.setattr(SpawnProcess, "start", start)
        client.submit(m.PredictRequest(client.next_id(), "colours", source))
        assert the(m.Prediction, until(client, has(m.Prediction)))


def test_previews_and_thumbnails(client: EngineClient, tmp_path: Path) -> None:
    source = picture(tmp_path, "wide.jpg", SHADES["blue"], (1200, 300))
    client.submit(m.PreviewRequest(client.next_id(), source, 600))
    preview = the(m.Preview, until(client, has(m.Preview)))
    assert isinstance(preview, m.Preview)
    assert preview.pixels.shape == (150, 600, 3) and preview.original_size == (1200, 300)
    client.submit(m.ThumbnailRequest(client.next_id(), source, 64))
    broken = tmp_path / "x.png"
    broken.write_bytes(b"\x89PNG nothing")
    client.submit(m.ThumbnailRequest(client.next_id(), ImageSource.from_path(str(broken)), 64))
    seen = until(client, lambda seen: sum(isinstance(a, m.Thumbnail) for a in seen) == 2)
    sizes = {a.source.name: None if a.pixels is None else a.pixels.shape for a in seen if isinstance(a, m.Thumbnail)}
    assert sizes == {"wide.jpg": (16, 64, 3), "x.png": None}


def test_engine_ends_when_its_owner_vanishes(store: ModelStore) -> None:
    client = EngineClient(store.bundled_root, store.user_root)
    client.start()
    until(client, has(m.Ready))
    assert client.pid is not None
    assert client._process is not None
    client._process.hang_up()  # what the system does to a killed owner's pipe
    assert client._process.join(patient(20)) == 0
    client.close()


@in_both_ways
@pytest.mark.usefixtures("treacherous_decoder")
def test_only_the_batch_at_work_is_blamed(store: ModelStore, tmp_path: Path, threads: int) -> None:
    hurt = (picture(tmp_path, "deadly.png", SHADES["red"]), picture(tmp_path, "a.png", SHADES["green"]))
    well = tuple(picture(tmp_path, f"{index}.png", SHADES["blue"]) for index in range(5))
    with EngineClient(store.bundled_root, store.user_root, threads=threads) as client:
        first, second = client.next_id(), client.next_id()
        client.submit(m.BatchRequest(first, "colours", hurt))
        client.submit(m.BatchRequest(second, "colours", well))
        seen = until(client, lambda seen: sum(isinstance(a, m.BatchDone) for a in seen) == 2)
    items = {key: [i for a in seen if isinstance(a, m.BatchAnswers) and a.id == key for i in a.items] for key in (1, 2)}
    assert [isinstance(item, m.Failure) for item in items[first]] == [True, False]
    assert [item.label for item in items[second] if isinstance(item, m.Prediction)] == ["blue"] * 5


@pytest.mark.usefixtures("treacherous_decoder")
def test_a_cancelled_request_is_no_stall_unless_another_waits_behind_it(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EngineClient(store.bundled_root, store.user_root, threads=1) as client:
        request = client.next_id()
        client.submit(m.PredictRequest(request, "colours", picture(tmp_path, "stuck.png", SHADES["red"])))
        _begun(client, request)
        client.cancel(request)
        client.events(0)
        with monkeypatch.context() as impatient:
            impatient.setattr("desktop.engine.client._STALL_S", 0.0)
            assert not client._stalled() and client.events(0.1) == [] and client.events(0.1) == []
            client.submit(m.PredictRequest(client.next_id(), "colours", picture(tmp_path, "a.png", SHADES["red"])))
            until(client, has(m.EngineLost))
        assert the(m.Prediction, until(client, has(m.Prediction))).label == "red"  # type: ignore[union-attr]


@pytest.mark.usefixtures("treacherous_decoder")
def test_a_request_cancelled_between_two_deaths_is_not_told_of(store: ModelStore, tmp_path: Path) -> None:
    source = picture(tmp_path, "stuck.png", SHADES["red"])
    with EngineClient(store.bundled_root, store.user_root, threads=1) as client:
        request = client.next_id()
        client.submit(m.PredictRequest(request, "colours", source))
        seen: list[m.Answer] = []
        _kill_once_started(client, request, seen, source)
        _begun(client, request)
        client.cancel(request)
        client.events(0)
        assert client.pid is not None
        psutil.Process(client.pid).kill()
        seen += until(client, has(m.EngineLost))
        client.submit(m.PredictRequest(client.next_id(), "colours", picture(tmp_path, "a.png", SHADES["red"])))
        seen += until(client, has(m.Prediction))
        assert not has(m.Failure)(seen)


@pytest.mark.usefixtures("treacherous_decoder")
def test_no_picture_of_a_batch_is_blamed_for_a_cancelled_request(store: ModelStore, tmp_path: Path) -> None:
    stuck = picture(tmp_path, "stuck.png", SHADES["red"])
    well = tuple(picture(tmp_path, f"{index}.png", SHADES["blue"]) for index in range(5))
    with EngineClient(store.bundled_root, store.user_root, threads=1) as client:
        first, batch = client.next_id(), client.next_id()
        client.submit(m.PredictRequest(first, "colours", stuck))
        _begun(client, first)
        client.submit(m.BatchRequest(batch, "colours", well))
        client.events(0)
        client._batches[batch].careful_until = 5  # as after an earlier death
        client.cancel(first)
        client.events(0)
        assert client.pid is not None
        psutil.Process(client.pid).kill()
        seen = until(client, has(m.BatchDone))
    items = [item for answer in seen if isinstance(answer, m.BatchAnswers) for item in answer.items]
    assert [item.label for item in items if isinstance(item, m.Prediction)] == ["blue"] * 5


def test_killed_before_the_end_of_an_answered_batch_it_ends_all_the_same(client: EngineClient, tmp_path: Path) -> None:
    until(client, has(m.Ready))
    source = picture(tmp_path, "a.png", SHADES["red"])
    state = _BatchState(m.BatchRequest(client.next_id(), "colours", (source, source)))
    state.answered, state.careful_until = 2, 256
    client._batches[state.request.id] = state
    assert client.pid is not None
    psutil.Process(client.pid).kill()
    seen = until(client, has(m.BatchDone))
    assert the(m.BatchDone, seen) == m.BatchDone(state.request.id, 2, False) and not has(m.BatchAnswers)(seen)


def test_an_engine_that_had_nothing_to_do_is_no_stall(client: EngineClient, tmp_path: Path) -> None:
    until(client, has(m.Ready))
    client._heard -= 1000.0  # as after a long while without a request
    client.submit(m.BatchRequest(client.next_id(), "colours", (picture(tmp_path, "a.png", SHADES["red"]),)))
    seen = until(client, has(m.BatchDone))
    assert not has(m.EngineLost)(seen)


def _begun(client: EngineClient, request: int) -> None:
    end = time.monotonic() + patient(60)
    while request not in client._started:
        assert time.monotonic() < end
        client.events(0.05)
