from app.config.load import load
from app.config.show import as_yaml


def test_what_is_shown_can_be_loaded_again_and_means_the_same(tmp_path):
    config = load(None, {"REGISTRY_HTTP_DRAINTIMEOUT": "1m30s", "REGISTRY_MOORAGE_LIMITS_MANIFESTSIZE": "5000"}).config
    path = tmp_path / "shown.yml"
    path.write_text(as_yaml(config))
    assert load(path, {}).config == config


def test_the_secrets_of_a_bucket_are_stars_too():
    names = ("ACCESSKEY", "SECRETKEY", "SESSIONTOKEN")
    keys = {f"REGISTRY_STORAGE_S3_{name}": f"hunter-{name}" for name in names}
    shown = as_yaml(load(None, {"REGISTRY_STORAGE": "s3", "REGISTRY_STORAGE_S3_BUCKET": "b", **keys}).config)
    assert "hunter" not in shown
    assert "bucket: b\n" in shown
    assert "chunksize: 10MiB\n" in shown


def test_secrets_are_stars():
    shown = as_yaml(load(None, {"REGISTRY_HTTP_SECRET": "hunter2"}).config)
    assert "hunter2" not in shown
    assert "secret: '***'" in shown
