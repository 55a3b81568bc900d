import pytest

from app.config.units import Duration, Secret, Size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("10s", 10),
        ("1h30m", 5400),
        ("168h", 604800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1m0.5s", 60.5),
        ("2us", 2e-6),
        ("2µs", 2e-6),
        ("5000000000", 5),
    ],
)
def test_durations_are_read_as_go_reads_them_and_plain_numbers_are_nanoseconds(text, seconds):
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1d", "-1s", "1h 30m", "s", "5 s", "1e3s", "h1", "\uff11s"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="1h30m"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["0s", "250ms", "30s", "1m", "1h30m", "168h", "1m0.5s"])
def test_a_duration_is_shown_as_it_would_be_written(text):
    assert str(Duration.parse(text)) == text


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("512B", 512), ("4MiB", 4 << 20), ("1 GiB", 1 << 30), ("77", 77)])
def test_sizes_have_binary_units(text, size):
    assert Size.parse(text) == size


@pytest.mark.parametrize("text", ["", "4MB", "-1", "1.5MiB", "MiB", "4mib"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="MiB"):
        Size.parse(text)


@pytest.mark.parametrize("text", ["0", "1KiB", "4MiB", "1GiB", "1025"])
def test_a_size_is_shown_as_it_would_be_written(text):
    assert str(Size.parse(text)) == text


def test_a_secret_shows_itself_to_nobody_who_prints_it():
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_secrets_compare_by_their_text_and_an_empty_one_is_false():
    assert Secret("a") == Secret("a") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert not Secret()
    assert Secret("a")
