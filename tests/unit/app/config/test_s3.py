"""The section `storage.s3` as files and variables write it, and what the driver makes of it."""

import dataclasses

import pytest

from app.config.load import ConfigurationError, load
from app.config.s3 import S3
from app.plugins import s3_settings
from drivers.s3 import S3Settings


def section(**variables):
    names = {f"REGISTRY_STORAGE_S3_{name.upper()}": value for name, value in variables.items()}
    return load(None, {"REGISTRY_STORAGE": "s3", **names}).config.storage.s3


def test_what_a_file_leaves_out_is_what_the_driver_takes_for_granted():
    assert s3_settings(section(bucket="b", region="r")) == S3Settings(bucket="b", region="r")


def test_each_parameter_of_the_driver_can_be_configured():
    assert set(S3.__struct_fields__) == {field.name for field in dataclasses.fields(S3Settings)}


def test_values_reach_the_driver_as_it_wants_them():
    settings = s3_settings(
        section(
            bucket="b",
            regionendpoint="http://127.0.0.1:9000",
            accesskey="key",
            secretkey="secret",
            chunksize="20971520",
            multipartcopychunksize="64MiB",
            redirectexpiry="5m",
            forcepathstyle="false",
            checksums="supported",
        )
    )
    assert (settings.accesskey, settings.secretkey, settings.chunksize) == ("key", "secret", 20 << 20)
    assert (settings.multipartcopychunksize, settings.redirectexpiry) == (64 << 20, 300.0)
    assert (settings.forcepathstyle, settings.checksums) == (False, "supported")


def test_an_empty_variable_is_as_good_as_none():
    assert s3_settings(section(bucket="b", region="r", sessiontoken="", accesskey="", chunksize="")).accesskey == ""


def test_the_other_name_of_the_driver_means_the_same(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("version: 0.1\nstorage: {s3aws: {bucket: b, region: r}, delete: {enabled: true}}\n")
    assert load(path, {}).config.storage.s3.bucket == "b"
    assert load(path, {"REGISTRY_STORAGE_S3AWS_REGION": "elsewhere"}).config.storage.s3.region == "elsewhere"
    named = {"REGISTRY_STORAGE": "s3aws", "REGISTRY_STORAGE_S3AWS_BUCKET": "c"}
    assert load(None, named).config.storage.s3.bucket == "c"


def test_a_bucket_must_be_named():
    with pytest.raises(ConfigurationError, match=r"storage\.s3\.bucket: missing"):
        section(region="r")


@pytest.mark.parametrize(
    ("said", "variables"),
    [
        ("region is missing", {}),
        ("accesskey and secretkey go together", {"region": "r", "accesskey": "key"}),
        ("v4auth", {"region": "r", "v4auth": "false"}),
        ("chunksize must be from 5 MiB", {"region": "r", "chunksize": "1MiB"}),
        ("redirectendpoint must be scheme and host", {"region": "r", "redirectendpoint": "blobs.example.com"}),
    ],
)
def test_what_the_driver_refuses_is_said_in_a_sentence(said, variables):
    with pytest.raises(ValueError, match=said):
        s3_settings(section(bucket="b", **variables))
