"""Words that must be said, letter by letter: a change here is a decision, not an accident."""

from __future__ import annotations

from desktop.core import notices


def test_a_medical_model_says_what_it_is_not() -> None:
    words = notices.NOTICES["medical"]
    assert words.brief == "Research and education only; not a medical device."
    assert words.rest == "The output is a model score, not a diagnosis."
    assert words.text == f"{words.brief} {words.rest}" == notices.medical_notice(True)
    assert notices.medical_notice(False) == ""


def test_the_program_and_its_samples_say_what_they_are() -> None:
    told = {kind: words.text for kind, words in notices.NOTICES.items()}
    assert told == {
        "medical": "Research and education only; not a medical device. The output is a model score, not a diagnosis.",
        "program": "Fovea is for research and education only; it is not a medical device.",
        "other-kind": "Not the kind of picture that this model knows.",
        "phantom": "The chest picture is a phantom drawn by a program: it is no X-ray and shows no one.",
        "photographs": "Some of these show nothing that the model knows: it answers all the same.",
    }
    assert notices.NoticeWords("One.").text == "One." and notices.NoticeWords("One.").rest == ""
