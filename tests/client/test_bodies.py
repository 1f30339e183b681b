import random
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from python_multipart.multipart import MultipartParser, parse_options_header

from batchlight import InvalidUpload, gather
from batchlight.http.bodies import BLOCK_BYTES, Body, body_of


@dataclass
class Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    content: bytes = b""

    @property
    def filename(self) -> str:
        return parse_options_header(self.headers[b"Content-Disposition"])[1][b"filename"].decode()


def parts_of(body: Body) -> list[Part]:
    """The body as the server's parser reads it."""
    parts: list[Part] = []
    names: list[bytes] = []
    boundary = parse_options_header(body.content_type)[1][b"boundary"]
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": lambda: parts.append(Part()),
            "on_header_field": lambda data, start, end: names.append(data[start:end]),
            "on_header_value": lambda data, start, end: parts[-1].headers.update({names[-1]: data[start:end]}),
            "on_part_data": lambda data, start, end: setattr(parts[-1], "content", parts[-1].content + data[start:end]),
        },
    )
    for block in body.blocks():
        parser.write(block)
    parser.finalize()
    return parts


def test_a_parser_reads_back_every_name_and_byte(tmp_path: Path) -> None:
    contents = {"sub/ä ö.png": b"\r\n--not the boundary\r\n", "empty.png": b"", "日本.jpg": bytes(range(256))}
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)

    parts = parts_of(body_of(gather(tmp_path).files))

    assert {part.filename: part.content for part in parts} == contents


def test_quotes_and_line_breaks_in_a_name_cannot_break_out_of_the_header(tmp_path: Path) -> None:
    (tmp_path / 'a"; x="\r\nEvil: 1.png').write_bytes(b"x")

    (part,) = parts_of(body_of(gather(tmp_path).files))

    assert part.filename == "a%22; x=%22%0D%0AEvil: 1.png"
    assert set(part.headers) == {b"Content-Disposition", b"Content-Type"}


def test_the_announced_length_is_exact_whatever_the_files(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    for number in range(40):
        name = "".join(rng.choice('abc ä日"%') for _ in range(rng.randrange(1, 30)))
        (tmp_path / f"{number}{name}").write_bytes(rng.randbytes(rng.choice([0, 1, 100, BLOCK_BYTES, 200_000])))

    body = body_of(gather(tmp_path).files)

    assert sum(map(len, body.blocks())) == body.content_length, f"seed {seed}"


def test_small_files_are_sent_in_large_blocks(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.png").write_bytes(bytes(600))

    *full, _ = body_of(gather(tmp_path).files).blocks()

    assert len(full) == 3
    assert all(len(block) >= BLOCK_BYTES for block in full)


def test_memory_is_flat_over_the_size_of_the_upload(tmp_path: Path) -> None:
    for number in range(4):
        with (tmp_path / f"{number}.png").open("wb") as file:
            file.truncate(16 * 1024 * 1024)
    body = body_of(gather(tmp_path).files)
    tracemalloc.start()

    sent = sum(map(len, body.blocks()))

    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent == body.content_length > 64 * 1024 * 1024
    assert peak_bytes < 1024 * 1024


def test_a_single_zip_is_sent_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "images.ZIP").write_bytes(b"PK")

    body = body_of(gather(tmp_path / "images.ZIP").files)

    assert (body.content_type, b"".join(body.blocks())) == ("application/zip", b"PK")


def test_a_zip_among_images_is_a_part_marked_as_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    (tmp_path / "b.png").write_bytes(b"x")

    kinds = [part.headers[b"Content-Type"] for part in parts_of(body_of(gather(tmp_path).files))]

    assert kinds == [b"application/zip", b"application/octet-stream"]


@pytest.mark.parametrize("now", [b"longer than before", b"short", None])
def test_a_file_that_changes_during_the_upload_ends_it(tmp_path: Path, now: bytes | None) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(b"ten bytes!")
    body = body_of(gather(path).files)
    path.unlink() if now is None else path.write_bytes(now)

    with pytest.raises(InvalidUpload, match=r"1\.png .*No job was created"):
        list(body.blocks())
