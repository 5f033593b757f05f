"""Step 2: one spelling of every text, one safe decoding of every image. All the CPU work on strangers' bytes is here.

Every string of the request becomes a passage: the turns, the fields beside the prompt, file names, image metadata.
What becomes of them is `signals/text/normalise.py`; what becomes of images is `signals/image/decode.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

from safelight.core.category import Stage
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import ImageRequest, Role, Upload
from safelight.signals.image.decode import decode
from safelight.signals.image.mask import check_mask
from safelight.signals.model import Passage, Picture, PictureRole, View
from safelight.signals.text.normalise import read


def view_of_request(request: ImageRequest, limits: Limits) -> View:
    """What the detectors look at before anything is made.

    Raises BadInput for a text or an image that cannot be judged as it is.
    """
    _check_bounds(request, limits)
    uploads = [(photo, PictureRole.PHOTO, f"photo {number}") for number, photo in enumerate(request.photos, 1)]
    if request.mask:
        uploads.append((request.mask, PictureRole.MASK, "mask"))
    pictures = _decoded(uploads, limits)
    if request.mask and len(pictures) > 1:
        check_mask(pictures[-1], pictures[0])
    passages = [
        Passage(f"turn {number}" if len(request.turns) > 1 else "prompt", turn.text, turn.role)
        for number, turn in enumerate(request.turns, 1)
        if turn.text
    ]
    passages += [Passage(name, text) for name, text in request.fields if text]
    passages += [passage for picture in pictures for passage in picture.passages]
    files = tuple((where, upload.content) for upload, _, where in uploads)
    return View(
        Stage.INPUT,
        tuple(map(read, passages)),
        tuple(pictures),
        photos_count=len(request.photos),
        names_records=bool(request.consents),
        files=files,
    )


def with_earlier_words(view: View, words: Sequence[str]) -> View:
    """`view` with what was asked in earlier edits of its pictures, as turns before its own.

    A client that sends the whole conversation has sent those words itself; they are not read twice.
    """
    said = {text.passage.text for text in view.texts}
    earlier = [Passage(f"earlier edit {n}", word, Role.USER) for n, word in enumerate(words, 1) if word not in said]
    return replace(view, texts=(*map(read, earlier), *view.texts))


def view_of_outputs(
    outputs: Sequence[bytes], partials: Sequence[bytes], texts: Sequence[str], asked: View, limits: Limits
) -> View:
    """What the detectors look at when the model has answered `asked`: images, earlier states of them, its own words."""
    _check_texts([("revised_prompt", text) for text in texts], limits)
    named = [(content, f"output {number}") for number, content in enumerate(outputs, 1)]
    named += [(content, f"partial {number}") for number, content in enumerate(partials, 1)]
    pictures = _decoded([(Upload(content), PictureRole.OUTPUT, where) for content, where in named], limits)
    passages = [Passage(f"revised prompt {number}", text) for number, text in enumerate(texts, 1) if text]
    passages += [passage for picture in pictures for passage in picture.passages]
    return View(
        Stage.OUTPUT,
        tuple(map(read, passages)),
        tuple(pictures),
        photos_count=asked.photos_count,
        names_records=asked.names_records,
    )


def _decoded(uploads: Sequence[tuple[Upload, PictureRole, str]], limits: Limits) -> list[Picture]:
    """Decode one after the other, so that the bound on all of them together is met before memory is."""
    pictures: list[Picture] = []
    pixels = 0
    for upload, role, where in uploads:
        picture = decode(upload, role=role, where=where, limits=limits)
        pixels += picture.width * picture.height * len(picture.frames)
        if pixels > limits.images_max_total_pixels:
            message = f"At most {limits.images_max_total_pixels} pixels in all images together; send smaller ones."
            raise BadInput(InputCode.IMAGE_TOO_MANY_PIXELS, message)
        pictures.append(picture)
    return pictures


def _check_bounds(request: ImageRequest, limits: Limits) -> None:
    if len(request.turns) > limits.turns_max_count:
        raise BadInput(InputCode.TOO_MANY_TURNS, f"At most {limits.turns_max_count} turns; send the latest ones.")
    if len(request.photos) > limits.images_max_count:
        raise BadInput(InputCode.TOO_MANY_IMAGES, f"At most {limits.images_max_count} images in one request.")
    texts = [("prompt", turn.text) for turn in request.turns] + list(request.fields)
    _check_texts(texts, limits)


def _check_texts(texts: Sequence[tuple[str, str]], limits: Limits) -> None:
    for name, text in texts:
        if len(text) > limits.prompt_max_chars:
            message = f"At most {limits.prompt_max_chars} characters; this text has {len(text)}."
            raise BadInput(InputCode.TEXT_TOO_LONG, message, param=name)
        if "\0" in text:
            raise BadInput(InputCode.TEXT_INVALID, "The text holds a NUL character; remove it.", param=name)
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise BadInput(InputCode.TEXT_INVALID, "The text holds half a character (a lone surrogate).", param=name)
    if sum(len(text) for _, text in texts) > limits.text_max_chars:
        raise BadInput(InputCode.TEXT_TOO_LONG, f"At most {limits.text_max_chars} characters of text altogether.")
