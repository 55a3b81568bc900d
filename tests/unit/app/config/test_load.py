import pytest

from app.config.load import ConfigurationError, load
from app.config.model import DescriptorCache, Formatter, Level, PlatformRule, References
from app.config.unserved import UNSERVED

MINIMAL = "version: 0.1\nstorage: {inmemory: }\n"


@pytest.fixture
def write(tmp_path):
    def file(text):
        path = tmp_path / "config.yml"
        path.write_text(text)
        return path

    return file


def problems(path, environment=None, **options):
    with pytest.raises(ConfigurationError) as caught:
        load(path, environment or {}, **options)
    return list(caught.value.problems)


def test_without_a_file_it_serves_a_folder_on_loopback_and_deletes_are_on():
    config = load(None, {}).config
    assert config.storage.filesystem.rootdirectory == "./data"
    assert config.storage.cache.blobdescriptor is DescriptorCache.INMEMORY
    assert config.storage.delete.enabled
    assert config.http.addr == "127.0.0.1:5000"


def test_in_a_file_an_absent_key_means_what_it_means_to_the_go_registry(write):
    config = load(write("version: 0.1\nstorage:\n  filesystem:\n"), {}).config
    assert config.http.addr == ":5000"
    assert not config.storage.delete.enabled
    assert config.storage.filesystem.rootdirectory == "/var/lib/registry"
    assert config.storage.filesystem.maxthreads == 100
    assert config.storage.cache.blobdescriptor is DescriptorCache.NONE
    assert config.log.level is Level.INFO
    assert config.log.formatter is Formatter.TEXT
    assert config.http.draintimeout == 60
    assert config.validation.manifests.references is References.REQUIRED


@pytest.mark.parametrize("maintenance", ["", "maintenance: {}", "maintenance: {uploadpurging: }"])
def test_abandoned_uploads_are_purged_once_a_day_after_a_week_if_nothing_else_is_said(write, maintenance):
    purging = load(write(f"version: 0.1\nstorage:\n  inmemory:\n  {maintenance}\n"), {}).config
    purging = purging.storage.maintenance.uploadpurging
    assert (purging.enabled, purging.age, purging.interval, purging.dryrun) == (True, 7 * 86_400, 86_400, False)


@pytest.mark.parametrize("value", ["0s", "999999999h"])
@pytest.mark.parametrize("key", ["age", "interval"])
def test_an_age_or_interval_that_makes_no_sense_is_refused(write, key, value):
    text = f"version: 0.1\nstorage: {{inmemory: , maintenance: {{uploadpurging: {{{key}: {value}}}}}}}\n"
    assert problems(write(text)) == [
        f"storage.maintenance.uploadpurging.{key}: must be longer than 0s and at most 876000h"
    ]


def test_every_section_is_read(write):
    config = load(
        write(
            """
version: 0.1
log: {level: warn, formatter: logstash, fields: {service: registry, rack: 7}, accesslog: {disabled: yes}}
storage:
  filesystem: {rootdirectory: /srv, maxthreads: 30}
  cache: {blobdescriptor: inmemory, blobdescriptorsize: 5}
  delete: {enabled: true}
  redirect: {disable: true}
  maintenance: {readonly: {enabled: true}, uploadpurging: {enabled: false, age: 100h, interval: 30m, dryrun: true}}
  tag: {concurrencylimit: 8}
http:
  addr: localhost:8000
  net: tcp
  prefix: /r/
  host: https://example.com
  secret: 0123
  relativeurls: true
  draintimeout: 1m30s
  headers: {X-Content-Type-Options: [nosniff]}
  http2: {disabled: false}
validation:
  manifests:
    references: optional
    urls: {allow: ["^https://a/"], deny: ["b"]}
    indexes: {platforms: list, platformlist: [{architecture: amd64, os: linux}]}
catalog: {maxentries: 7}
tags: {maxtags: 9}
moorage: {limits: {manifestsize: 1MiB, bodymemory: 8MiB, uploads: 3, headertimeout: 5s, idletimeout: 6s}}
middleware: []
"""
        ),
        {},
    ).config
    assert config.log.fields == {"service": "registry", "rack": "7"}
    assert config.log.accesslog.disabled
    assert config.storage.maintenance.readonly.enabled
    purging = config.storage.maintenance.uploadpurging
    assert (purging.enabled, purging.age, purging.interval, purging.dryrun) == (False, 360_000, 1800, True)
    assert config.http.secret.reveal() == "0123"
    assert config.http.draintimeout == 90
    assert config.http.headers == {"X-Content-Type-Options": ("nosniff",)}
    assert config.validation.manifests.references is References.OPTIONAL
    assert config.validation.manifests.indexes.platforms is PlatformRule.LIST
    assert config.validation.manifests.indexes.platformlist[0].architecture == "amd64"
    assert (config.catalog.maxentries, config.tags.maxtags) == (7, 9)
    assert config.moorage.limits.bodymemory == 8 << 20


def test_a_misspelt_key_stops_the_start_with_its_path_and_the_nearest_name(write):
    text = "version: 0.1\nstorage: {filesystem: {rootdirectry: /x}}\nhtttp: {}\n"
    assert problems(write(text)) == [
        "storage.filesystem.rootdirectry: unknown key; did you mean rootdirectory?",
        "htttp: unknown key; did you mean http?",
    ]


def test_a_key_like_no_other_gets_no_suggestion(write):
    assert problems(write(MINIMAL + "zzzzz: 1\n")) == ["zzzzz: unknown key"]


def test_lenient_turns_unknown_keys_into_warnings(write):
    loaded = load(write(MINIMAL + "zzzzz: 1\n"), {}, lenient=True)
    assert loaded.warnings == ("zzzzz: unknown key",)


def test_everything_that_is_wrong_is_reported_at_once(write):
    found = problems(
        write(
            """
version: 0.1
log: {level: loud}
storage: {filesystem: {maxthreads: many, color: red}, delete: {enabled: perhaps}}
http: {draintimeout: soon, headers: {X: nosniff}, addr: [1]}
validation: {manifests: {indexes: {platformlist: [{os: linux}]}}}
auth: {htpasswd: {realm: x, path: y}}
"""
        )
    )
    assert [sentence.partition(":")[0] for sentence in found] == [
        "auth",
        "storage.filesystem.color",
        "log.level",
        "storage.filesystem.maxthreads",
        "storage.delete.enabled",
        "http.draintimeout",
        "http.headers.X",
        "http.addr",
        "validation.manifests.indexes.platformlist[0].architecture",
    ]


@pytest.mark.parametrize("path", sorted(UNSERVED), ids=".".join)
def test_a_section_whose_feature_is_missing_stops_the_start(write, path):
    inner = "{something: 1}"
    for key in reversed(path):
        inner = f"{{{key}: {inner}}}"
    (sentence,) = [found for found in problems(write(f"version: 0.1\n{inner[1:-1]}\n")) if "not served" in found]
    assert sentence.startswith(f"{'.'.join(path)}: not served by this version yet; ")


@pytest.mark.parametrize("driver", ["gcs", "azure"])
def test_a_driver_that_is_not_there_is_named_even_without_parameters(write, driver):
    found = problems(write(f"version: 0.1\nstorage: {driver}\n"))
    assert (
        f"storage.{driver}: not served by this version yet; the drivers of this version are filesystem, inmemory and s3"
        in found
    )


def test_a_redis_cache_is_refused(write):
    found = problems(write("version: 0.1\nstorage: {inmemory: , cache: {blobdescriptor: redis}}\n"))
    assert found == ["storage.cache.blobdescriptor: redis is not served by this version yet; use inmemory"]


@pytest.mark.parametrize(
    "off",
    [
        "middleware: []",
        "auth:",
        "notifications: {endpoints: []}",
        "http: {tls: {certificate: , key: }}",
        "http: {debug: {prometheus: {enabled: false}}}",
        "health: {storagedriver: {enabled: false, interval: 10s}, file: [], tcp: []}",
        "log: {hooks: [{disabled: true, type: mail}], reportcaller: false}",
        "compatibility: {schema1: {enabled: false}}",
    ],
)
def test_a_section_that_is_switched_off_asks_for_nothing(write, off):
    assert load(write(f"{MINIMAL}{off}\n"), {}).warnings == ()


def test_lenient_starts_without_monitoring_but_never_without_authentication(write):
    text = f"{MINIMAL}health: {{storagedriver: {{enabled: true}}}}\n"
    (warning,) = load(write(text), {}, lenient=True).warnings
    assert warning.startswith("health: not served")
    assert any(
        found.startswith("auth:") for found in problems(write(f"{text}auth: {{token: {{realm: x}}}}\n"), lenient=True)
    )


def test_one_driver_must_be_named_and_only_one(write):
    assert problems(write("version: 0.1\n")) == ["storage: missing"]
    (none,) = problems(write("version: 0.1\nstorage: {delete: {enabled: true}}\n"))
    (both,) = problems(write("version: 0.1\nstorage: {filesystem: , inmemory: }\n"))
    assert none.startswith("storage: exactly one driver must be named, none is")
    assert both.startswith("storage: exactly one driver must be named, filesystem and inmemory is")


def test_names_of_old_are_understood(write):
    config = load(
        write(
            "version: 0.1\nloglevel: debug\nvalidation: {enabled: false}\nstorage: {inmemory: , cache: {layerinfo: inmemory}}"
        ),
        {},
    ).config
    assert config.log.level is Level.DEBUG
    assert config.validation.disabled
    assert config.storage.cache.blobdescriptor is DescriptorCache.INMEMORY


def test_the_present_name_wins_over_the_one_of_old(write):
    assert load(write(f"{MINIMAL}loglevel: debug\nlog: {{level: error}}\n"), {}).config.log.level is Level.ERROR


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("storage: {inmemory: }\n", "version: missing"),
        ("version: 0.2\nstorage: {inmemory: }\n", "version: 0.2 is not known; this file format is version 0.1"),
        ("version: [\n", "is not YAML at line 2, column 1"),
        ("- a\n", "is no configuration"),
        ("", "is no configuration"),
        ("version: 0.1\nstorage: {inmemory: }\nvalidation: {manifests: {urls: {allow: ['(']}}}\n", "validation.manifests.urls.allow[0]: not a regular expression"),
        (f"{MINIMAL}moorage: {{limits: {{bodymemory: 1MiB}}}}\n", "moorage.limits.bodymemory: must be at least four times"),
    ],
)  # fmt: skip
def test_a_file_that_makes_no_sense_says_so(write, text, said):
    assert problems(write(text))[0].startswith(said)


def test_a_file_that_is_not_there_or_is_no_text_says_so(tmp_path, write):
    assert problems(tmp_path / "none.yml") == ["can't be read: No such file or directory"]
    path = write("")
    path.write_bytes(b"\xff\xfe\x00")
    assert problems(path) == ["is not UTF-8 text"]


def test_a_tag_that_would_make_an_object_is_only_text(write):
    text = "version: 0.1\nstorage: {filesystem: {rootdirectory: !!python/object/new:os.getcwd x}}\n"
    assert load(write(text), {}).config.storage.filesystem.rootdirectory == "x"


def test_the_configuration_of_the_go_registrys_image_loads_once_its_monitoring_is_given_up(write):
    """Distribution 2.8's development file."""
    text = """
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""
    assert [sentence.partition(":")[0] for sentence in problems(write(text))] == ["health"]
    assert load(write(text), {}, lenient=True).config.http.addr == ":5000"


def test_the_file_is_named_by_an_argument_else_by_a_variable(write, tmp_path):
    named = tmp_path / "named.yml"
    named.write_text(f"{MINIMAL}http: {{addr: 'named:1'}}\n")
    argument = write(f"{MINIMAL}http: {{addr: 'argument:1'}}\n")
    environment = {"REGISTRY_CONFIGURATION_PATH": str(named)}
    assert load(None, environment).config.http.addr == "named:1"
    assert load(argument, environment).config.http.addr == "argument:1"
    assert load(None, environment).source == str(named)
