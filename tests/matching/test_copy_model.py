"""An operator's own copy model is asked beside the features; ours here is a toy that averages a picture's parts."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from safelight.core.errors import NotStartable
from safelight.matching.banks import create_bank
from safelight.matching.copy_book import CopyBook
from safelight.matching.copy_model import CopyModel, open_model
from safelight.matching.hashes import BankHashes
from safelight.matching.known import KnownImages
from safelight.matching.model import BankCategory, CopyKind
from safelight.store.database import Database
from tests.matching.conftest import NOW, SECRET
from tests.matching.pictures import photo


def toy(file: Path, parts: int = 8, side: int | str = 64) -> Path:
    """A model whose vector is the mean colour of each of `parts` by `parts` parts."""
    wanted = helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, side, side])
    given = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", None])
    window = [(side if isinstance(side, int) else 288) // parts] * 2
    nodes = [
        helper.make_node("AveragePool", ["picture"], ["pooled"], kernel_shape=window, strides=window),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
    ]
    graph = helper.make_graph(nodes, "toy", [wanted], [given])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, file)
    return file


def opened(file: Path, least: float = 0.95) -> CopyModel:
    model = open_model(file, least)
    assert model
    return model


def blurred() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """So far that no feature is left."""
    return np.repeat(np.repeat(photo("coffee", 12, 8), 40, axis=0), 40, axis=1)


def test_a_copy_that_only_the_model_knows_is_found_and_said_to_be_the_models(
    database: Database, hashes: BankHashes, tmp_path: Path
) -> None:
    bank = database.write_here(
        lambda c: create_bank(c, name="taken-down", owner="o", source="s", category=BankCategory.NCII, now=NOW)
    )
    file, folder = toy(tmp_path / "toy.onnx"), tmp_path / "copies"
    book = CopyBook(database, folder, SECRET, 20, opened(file))
    book.add(bank.number, 1, photo("coffee"), NOW)
    book.add(bank.number, 2, photo("rocket"), NOW)
    (match,) = KnownImages(database, hashes, book).look([blurred()]).matches
    assert (match.item, match.kind) == (1, CopyKind.MODEL)
    assert CopyBook(database, folder, SECRET, 20).find(blurred()) == [], "off unless it is named"
    other = CopyBook(database, folder, SECRET, 20, opened(toy(tmp_path / "other.onnx", parts=4)))
    assert other.find(blurred()) == [], "vectors of another model are not compared"
    whole = KnownImages(database, hashes, book).look([photo("coffee")]).matches
    assert [(one.item, one.kind) for one in whole] == [(1, CopyKind.FEATURES)], "once, by what is surer"


def test_an_input_of_open_size_is_filled_and_vectors_have_length_one(tmp_path: Path) -> None:
    vector = opened(toy(tmp_path / "open.onnx", side="side")).vector(photo())
    assert vector.shape == (3 * 8 * 8,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_file_that_is_no_model_keeps_the_service_from_starting(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(NotStartable, match="copy model"):
        open_model(tmp_path / "bad.onnx", 0.75)
    with pytest.raises(NotStartable, match="copy model"):
        open_model(tmp_path / "absent.onnx", 0.75)
    assert open_model(None, 0.75) is None
