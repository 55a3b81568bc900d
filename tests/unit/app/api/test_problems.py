import json

from app.api import problems
from app.oci import errors


def every(kind):
    for below in kind.__subclasses__():
        yield below
        yield from every(below)


def test_every_error_has_a_client_error_status_but_unavailability():
    for kind in every(errors.RegistryError):
        error = kind.__new__(kind)
        if kind is errors.Problems:
            continue
        expected = range(503, 504) if isinstance(error, errors.Unavailable) else range(400, 500)
        assert problems.status_of(error) in expected, kind


def test_the_first_of_several_errors_decides_the_status():
    several = errors.Problems([errors.ManifestBlobUnknown(detail="a"), errors.BlobUnknown()])
    assert problems.status_of(several) == 400


def test_codes_are_upper_case_and_details_any_json():
    body = json.loads(
        problems.document([errors.NameInvalid(detail="\ud800"), errors.BlobUnknown(detail={"x": object})])
    )
    assert [row["code"] for row in body["errors"]] == ["NAME_INVALID", "BLOB_UNKNOWN"]
    assert body["errors"][0]["detail"] == "\ud800"
    assert "detail" not in json.loads(problems.document([errors.NameInvalid()]))["errors"][0]
