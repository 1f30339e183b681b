"""Clients' names are labels: shown, never used as paths."""

import pytest

from core.names import clean, entry_name, skip_reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("photos/", "folder"),
        (".DS_Store", "hidden file"),
        ("a/.git/config", "hidden file"),
        ("__MACOSX/a/._b.png", "system file"),
        ("a/Thumbs.db", "system file"),
        ("a/b.png", None),
        ("./a/./b.png", None),
        ("a//b.png", None),
        ("a/Thumbs.db/.", "system file"),
        ("...three dots.png", "hidden file"),
    ],
)
def test_what_is_no_image_of_the_users_is_passed_over(name: str, reason: str | None) -> None:
    assert skip_reason(name) == reason


def test_control_characters_and_lone_surrogates_are_dropped_from_names() -> None:
    assert clean("a\x00b\n\ud800c\\d\u202e.png") == "abc/d.png"


def test_a_name_of_nothing_but_letters_stays_as_it_is_up_to_its_bound() -> None:
    assert clean("été\\写真 (1).jpg") == "été/写真 (1).jpg"
    assert clean("n" * 2000) == clean("n\n" * 2000) == "n" * 1000


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("a/Ankle boot (1).PNG", "000007_Ankle-boot-1.png"),
        ("../../etc/passwd", "000007_passwd"),
        ("=cmd|'/c calc'!A1.jpg", "000007_c-calc-A1.jpg"),
        ("写真.jpg", "000007_image.jpg"),
        ("été à la plage.png", "000007_ete-a-la-plage.png"),
        ("no-suffix", "000007_no-suffix"),
        ("x." + "y" * 50, "000007_x"),
    ],
)
def test_archive_entries_have_names_every_file_system_takes(name: str, entry: str) -> None:
    assert entry_name(7, name) == entry


def test_a_long_name_is_cut_and_its_suffix_kept() -> None:
    assert entry_name(1, "n" * 300 + ".png") == f"000001_{'n' * 60}.png"
