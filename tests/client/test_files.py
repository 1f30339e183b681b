from pathlib import Path

import pytest

from batchlight import InvalidUpload, gather


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def sent_names(*paths: Path) -> list[str]:
    return [file.name for file in gather(paths).files]


def test_a_folder_is_walked_to_its_depth_and_named_from_itself(tmp_path: Path) -> None:
    write(tmp_path / "photos", "b.png", "a/2.png", "a/deep/1.png", "c.png")

    assert sent_names(tmp_path / "photos") == ["a/2.png", "a/deep/1.png", "b.png", "c.png"]


def test_hidden_and_system_files_are_skipped_and_reported(tmp_path: Path) -> None:
    write(tmp_path, "1.png", ".DS_Store", "Thumbs.db", "__MACOSX/._1.png", ".git/config", "sub/desktop.ini")

    upload = gather(tmp_path)

    assert [file.name for file in upload.files] == ["1.png"]
    assert {file.name: file.reason for file in upload.skipped} == {
        ".DS_Store": "hidden",
        ".git": "hidden",
        "Thumbs.db": "system file",
        "__MACOSX": "system file",
        "sub/desktop.ini": "system file",
    }


def test_a_link_to_a_folder_is_followed_only_if_it_is_named_itself(tmp_path: Path) -> None:
    write(tmp_path / "real", "1.png")
    (tmp_path / "real" / "again").symlink_to(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    upload = gather(tmp_path / "link")

    assert [file.name for file in upload.files] == ["1.png"]
    assert [(file.name, file.reason) for file in upload.skipped] == [("again", "link to a folder")]


def test_an_entry_that_is_neither_file_nor_folder_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "1.png")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere")

    assert [(file.name, file.reason) for file in gather(tmp_path).skipped] == [("dangling.png", "not a regular file")]


def test_several_paths_are_named_from_the_folder_they_share(tmp_path: Path) -> None:
    write(tmp_path, "cats/1.png", "dogs/1.png")

    assert sent_names(tmp_path / "dogs", tmp_path / "cats" / "1.png") == ["dogs/1.png", "cats/1.png"]


def test_names_of_relative_paths_contain_no_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "inside/1.png", "outside/2.png")
    monkeypatch.chdir(tmp_path / "inside")

    assert sent_names(Path(), Path("../outside/2.png")) == ["inside/1.png", "outside/2.png"]


def test_a_file_named_twice_is_sent_once(tmp_path: Path) -> None:
    write(tmp_path, "1.png", "2.png")

    assert sent_names(tmp_path / "2.png", tmp_path) == ["2.png", "1.png"]


def test_a_file_that_is_named_is_sent_even_if_hidden(tmp_path: Path) -> None:
    write(tmp_path, ".hidden.png")

    assert sent_names(tmp_path / ".hidden.png") == [".hidden.png"]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidUpload, match=r"nothing\.png does not exist"):
        gather([tmp_path / "nothing.png"])


def test_an_empty_folder_says_what_was_skipped(tmp_path: Path) -> None:
    write(tmp_path, ".hidden")

    with pytest.raises(InvalidUpload, match=r"no files to send in .+ \(1 hidden or system files were skipped\)"):
        gather(tmp_path)


def test_too_many_images_are_refused_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchlight.files.MAX_IMAGES", 2)
    write(tmp_path, "1.png", "2.png", "3.png", "more.zip")

    with pytest.raises(InvalidUpload, match="contain 3 files; one job takes up to 2 images"):
        gather(tmp_path)
