"""Knative Serving v1 as an API of its own: a plain Service, its revisions, traffic and tags, what goes wrong, what the ConfigMaps say."""
import json

from harness import Platform, wait_for
from serverless import answers, ask, condition, config, ksvc, prepare, ready, share, splits_as

NS = "knative"
p = Platform()
prepare(p, NS)
HOST = f"hello.{NS}.example.com"


def close():
    p.close()


def get(kind, name):
    return p.get(kind, name, "-n", NS)


def refused(manifest, *words):
    done = p.kubectl("apply", "-n", NS, "-f", "-", stdin=manifest, ok=False)
    assert done.returncode, f"accepted: {manifest[:300]}"
    for word in words:
        assert word in done.stderr, done.stderr


def test_a_plain_service_runs_a_program_and_makes_every_object():
    p.apply(ksvc("hello"), NS)
    ready(p, "ksvc/hello", NS)
    status, seen = ask(p, HOST)
    assert status == 200 and seen["version"] == "1", seen
    for kind, name in (("configuration", "hello"), ("route", "hello"), ("revision", "hello-00001"), ("podautoscaler", "hello-00001"),
                       ("deployment", "hello-00001-deployment"), ("service", "hello-00001"), ("service", "hello-00001-private")):
        assert get(kind, name)["metadata"]["ownerReferences"], name
    service = get("ksvc", "hello")
    assert service["status"]["url"] == f"http://{HOST}"
    assert service["status"]["address"]["url"] == f"http://hello.{NS}.svc.cluster.local"
    for type in ("Ready", "ConfigurationsReady", "RoutesReady"):
        assert condition(service, type)["status"] == "True", service["status"]
    assert service["status"]["traffic"] == [{"latestRevision": True, "percent": 100, "revisionName": "hello-00001"}]
    for type in ("Ready", "AllTrafficAssigned", "IngressReady"):
        assert condition(get("route", "hello"), type)["status"] == "True", type
    for type in ("Ready", "ContainerHealthy", "ResourcesAvailable", "Active"):
        assert condition(get("revision", "hello-00001"), type)["status"] == "True", type


def test_a_containers_name_and_its_probes_port_have_defaults():
    manifest = json.loads(ksvc("bare"))
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    del container["name"], container["readinessProbe"]["httpGet"]["port"]
    p.apply(json.dumps(manifest), NS)
    ready(p, "ksvc/bare", NS)
    assert get("ksvc", "bare")["spec"]["template"]["spec"]["containers"][0]["name"] == "user-container"
    p.kubectl("delete", "ksvc", "bare", "-n", NS)


def test_kubectl_get_shows_knatives_columns():
    columns = {"ksvc": "NAME URL LATESTCREATED LATESTREADY READY REASON", "route": "NAME URL READY REASON",
               "configuration": "NAME LATESTCREATED LATESTREADY READY REASON",
               "revision": "NAME CONFIG NAME GENERATION READY REASON ACTUAL REPLICAS DESIRED REPLICAS",
               "podautoscaler": "NAME DESIREDSCALE ACTUALSCALE READY REASON"}
    for kind, expected in columns.items():
        lines = p.kubectl("get", kind, "-n", NS).splitlines()
        assert " ".join(lines[0].split()) == expected, lines
        assert "True" in lines[1], lines


def test_init_containers_and_volumes_work_without_a_flag():
    manifest = json.loads(ksvc("volumes"))
    spec = manifest["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "shared", "emptyDir": {}})
    spec["containers"][0]["volumeMounts"].append({"name": "shared", "mountPath": "/shared"})
    spec["initContainers"] = [{"name": "first", "image": "busybox", "command": ["sh", "-c", "echo from-init > /shared/note"],
                               "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}]
    p.apply(json.dumps(manifest), NS)
    ready(p, "ksvc/volumes", NS)
    status, text = p.curl("/file?path=/shared/note", host=f"volumes.{NS}.example.com")
    assert (status, text.strip()) == (200, "from-init")
    p.kubectl("delete", "ksvc", "volumes", "-n", NS)


def test_a_new_revision_takes_all_traffic_when_it_is_ready():
    p.apply(ksvc("hello", "2"), NS)
    ready(p, "ksvc/hello", NS)
    wait_for("version 2", lambda: answers(p, HOST, "2"))
    assert get("ksvc", "hello")["status"]["latestReadyRevisionName"] == "hello-00002"


def test_traffic_is_split_and_tags_have_urls():
    p.apply(ksvc("hello", "2", traffic=[{"revisionName": "hello-00001", "percent": 70, "tag": "old"},
                                        {"latestRevision": True, "percent": 30, "tag": "current"},
                                        {"revisionName": "hello-00001", "percent": 0, "tag": "zero"}]), NS)
    ready(p, "ksvc/hello", NS)
    traffic = wait_for("tags", lambda: [t for t in get("ksvc", "hello")["status"]["traffic"] if t.get("tag") == "current"]) and \
        get("ksvc", "hello")["status"]["traffic"]
    urls = {t["tag"]: t["url"] for t in traffic}
    assert urls == {tag: f"http://{tag}-{HOST}" for tag in ("old", "current", "zero")}, traffic
    for tag, version in (("old", "1"), ("current", "2"), ("zero", "1")):
        wait_for(f"tag {tag}", lambda: answers(p, f"{tag}-{HOST}", version))
    wait_for("a split", lambda: answers(p, HOST, "1"))
    seen = share(p, HOST, 2000)
    assert set(seen) == {"1", "2"} and splits_as(seen["1"], 2000, 70), seen


def test_a_revision_that_crashes_never_takes_traffic_and_the_cause_is_said():
    p.apply(ksvc("hello", "2", traffic=[{"latestRevision": True, "percent": 100}]), NS)
    ready(p, "ksvc/hello", NS)
    wait_for("version 2", lambda: answers(p, HOST, "2"))
    p.apply(ksvc("hello", "3", env={"CRASH": "the disk is full"}), NS)

    def failed():
        c = condition(get("ksvc", "hello"), "ConfigurationsReady")
        return c if c["status"] == "False" else None

    c = wait_for("failure", failed, 40)
    assert c["reason"] == "RevisionFailed" and "hello-00003" in c["message"], c
    assert "the disk is full" in condition(get("revision", "hello-00003"), "Ready")["message"], get("revision", "hello-00003")["status"]
    status = get("ksvc", "hello")["status"]
    assert (status["latestCreatedRevisionName"], status["latestReadyRevisionName"]) == ("hello-00003", "hello-00002")
    assert set(share(p, HOST, 500)) == {"2"}
    p.apply(ksvc("hello", "4"), NS)
    ready(p, "ksvc/hello", NS)
    wait_for("version 4", lambda: answers(p, HOST, "4"))


def test_a_revision_that_never_gets_ready_never_takes_traffic():
    p.apply(ksvc("hello", "5", annotations={"serving.knative.dev/progress-deadline": "4s"}, env={"NEVER_READY": "1"}), NS)
    wait_for("failure", lambda: condition(get("revision", "hello-00005"), "Ready")["status"] == "False", 40)
    assert condition(get("revision", "hello-00005"), "ResourcesAvailable")["reason"] == "ProgressDeadlineExceeded"
    assert set(share(p, HOST, 300)) == {"4"}
    p.apply(ksvc("hello", "6"), NS)
    wait_for("version 6", lambda: answers(p, HOST, "6"))


def test_a_route_to_a_revision_that_is_not_there_says_so_and_serves_on():
    p.apply(ksvc("hello", "6", traffic=[{"revisionName": "hello-09999", "percent": 100}]), NS)
    c = wait_for("RevisionMissing", lambda: [c for c in [condition(get("route", "hello"), "AllTrafficAssigned")] if c["reason"] == "RevisionMissing"])[0]
    assert "hello-09999" in c["message"], c
    assert answers(p, HOST, "6")
    p.apply(ksvc("hello", "6", traffic=[{"latestRevision": True, "percent": 100}]), NS)
    ready(p, "ksvc/hello", NS)


def test_rollout_duration_moves_traffic_step_by_step():
    slowly = {"serving.knative.dev/rollout-duration": "8s"}
    p.apply(ksvc("slow", "1", meta={"annotations": slowly}), NS)
    ready(p, "ksvc/slow", NS)
    p.apply(ksvc("slow", "2", meta={"annotations": slowly}), NS)
    host = f"slow.{NS}.example.com"
    wait_for("the first requests for the new revision", lambda: answers(p, host, "2"), 30, 0.02)
    seen = share(p, host, 200)
    assert "1" in seen, f"all traffic went at once: {seen}"
    wait_for("the end of the rollout", lambda: set(share(p, host, 100)) == {"2"}, 40, 0.3)
    p.kubectl("delete", "ksvc", "slow", "-n", NS)


def test_what_is_wrong_is_refused_with_knatives_words():
    refused(ksvc("bad", spec={"containerConcurrency": -1}), "expected 0 <= -1 <= 1000", "containerConcurrency")
    refused(ksvc("bad", traffic=[{"latestRevision": True, "percent": 90}]), "Traffic targets sum to 90, want 100")
    refused(ksvc("bad", annotations={"autoscaling.knative.dev/min-scale": "many"}), "autoscaling.knative.dev/min-scale")
    refused(ksvc("bad", spec={"timeoutSeconds": 100000}), "timeoutSeconds")
    refused(ksvc("bad", template={"name": "other-v1"}), "must have the prefix", "bad-")


def test_a_named_revision_cannot_change():
    p.apply(ksvc("named", template={"name": "named-blue"}), NS)
    ready(p, "ksvc/named", NS)
    assert get("revision", "named-blue")
    p.kubectl("delete", "ksvc", "named", "-n", NS)


def test_defaults_and_domains_come_from_the_config_maps_live():
    config(p, "config-defaults", revision_timeout_seconds="77")
    p.apply(ksvc("late"), NS)
    assert get("ksvc", "late")["spec"]["template"]["spec"]["timeoutSeconds"] == 77
    config(p, "config-network", tag_template="{{.Name}}--{{.Tag}}")
    p.apply(ksvc("late", traffic=[{"latestRevision": True, "percent": 100, "tag": "x"}]), NS)
    ready(p, "ksvc/late", NS)
    wait_for("the tag", lambda: answers(p, f"late--x.{NS}.example.com", "1"))
    config(p, "config-network", tag_template="{{.Tag}}-{{.Name}}")
    p.kubectl("delete", "ksvc", "late", "-n", NS)
    wait_for("404", lambda: ask(p, f"late.{NS}.example.com")[0] == 404)


def test_the_autoscalers_config_map_is_read_live():
    p.apply(ksvc("idle"), NS)
    ready(p, "ksvc/idle", NS)
    pods = lambda: p.get("pods", "-n", NS, "-l", "serving.knative.dev/service=idle")["items"]
    assert pods()
    config(p, "config-autoscaler", stable_window="6s", scale_to_zero_grace_period="1s")
    wait_for("no pod, with the default window of 60 s it would stay", lambda: not pods(), 30, 0.2)
    assert condition(get("revision", "idle-00001"), "Active")["reason"] == "NoTraffic"
    assert answers(p, f"idle.{NS}.example.com", "1")
    p.kubectl("delete", "ksvc", "idle", "-n", NS)


def test_old_revisions_are_collected():
    config(p, "config-gc", retain_since_create_time="disabled", retain_since_last_active_time="disabled",
           min_non_active_revisions="1", max_non_active_revisions="2")
    names = lambda: sorted(r["metadata"]["name"] for r in p.get("revisions", "-n", NS, "-l", "serving.knative.dev/service=many")["items"])
    for version in ("1", "2", "3", "4", "5", "6"):
        p.apply(ksvc("many", version), NS)
        ready(p, "ksvc/many", NS)
    wait_for("three revisions left", lambda: names() == ["many-00004", "many-00005", "many-00006"], 30, 0.3)
    assert answers(p, f"many.{NS}.example.com", "6")


def test_deleting_a_service_leaves_nothing():
    p.kubectl("delete", "ksvc", "--all", "-n", NS)
    kinds = "ksvc,configuration,revision,route,podautoscaler,deployment,replicaset,pod,service,endpointslice"
    wait_for("an empty namespace", lambda: not p.get(kinds, "-n", NS)["items"], 30)
