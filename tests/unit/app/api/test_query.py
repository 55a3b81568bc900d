from app.api.query import Query


def test_a_plus_is_a_plus_and_escapes_are_undone_once():
    query = Query("artifactType=application/a+json&x=%252F&digest=sha256%3A00&flag&empty=")
    assert query["artifactType"] == "application/a+json"
    assert query["x"] == "%2F"
    assert query["digest"] == "sha256:00"
    assert query["flag"] == query["empty"] == ""


def test_the_first_of_several_values_counts_and_all_can_be_had():
    query = Query("tag=a&tag=b&tag=a")
    assert query["tag"] == "a"
    assert query.every("tag") == ["a", "b", "a"]
    assert query.every("other") == []


def test_only_so_many_parameters_are_looked_at():
    assert len(Query("&".join(f"k{number}=" for number in range(10_000)))) == 128


def test_no_query_has_no_parameters():
    assert dict(Query("")) == {}
