"""The MLflow registry: runs, versions, aliases. The only module that imports MLflow.

Without MLFLOW_TRACKING_URI it is a SQLite file and a folder: `mlruns/` of the checkout, or of
VOICE_AI_HOME when that is set. MLflow's own flavour files are written, so its UI and its clients
can use the models; serving never does, it reads the copies that `ml.deploy` makes.
"""

import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ml.alias_peek import peek_aliases
from ml.artifact import MANIFEST_FILE, MODEL_FILE, Manifest, file_sha256
from ml.kinds import Fitted
from ml.registry_records import (
    Notes,
    Registered,
    Told,
    log_model,
    make_version,
    pins_of,
    registered_of,
    save_flavour,
    told_of,
)
from ml.tasks import Task, find_task
from voice_ai.errors import NotAvailable, NotFound, Refused
from voice_ai.settings import Settings

CHAMPION = "champion"
PREVIOUS = "previous"
CARD_FILE = "MODEL_CARD.md"
_SQLITE = "sqlite:///"
_CHECKOUT = Path(__file__).resolve().parent.parent
# Read by MLflow when it is imported, or at its first request.
_MLFLOW_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Registry:
    """`uri` is what MLflow is told; `folder` holds the artifacts of a local one."""

    uri: str
    folder: Path | None
    _kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Registry":
        uri = settings.mlflow_tracking_uri
        if uri is None:
            root = settings.home if settings.home_was_chosen else _CHECKOUT
            folder = root / "mlruns"
            return cls(f"{_SQLITE}{(folder / 'mlflow.db').as_posix()}", folder)
        if uri.startswith(_SQLITE):
            return cls(uri, Path(uri.removeprefix(_SQLITE)).expanduser().resolve().parent)
        return cls(uri, None)

    @property
    def address(self) -> str:
        """The address without a password, for people."""
        parts = urlsplit(self.uri)
        if "@" not in parts.netloc:
            return self.uri
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def exists(self) -> bool:
        """Whether there is anything to ask; asking a local one that is absent would create it."""
        return self.folder is None or Path(self.uri.removeprefix(_SQLITE)).exists()

    def log(self, task: Task, made: Fitted, manifest: Manifest, notes: Notes) -> str:
        """Write one training run with model, figures and card; returns the run's id."""
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            run = client.create_run(self._experiment(client, task), run_name=f"train {task.name}")
            run_id = str(run.info.run_id)
            with mlflow.start_run(run_id=run_id):
                mlflow.log_params(made.params)
                mlflow.log_metrics(notes.metrics)
                info = log_model(mlflow, task, made)
                pinned = self._pin(mlflow, info.model_uri, manifest)
                mlflow.log_text(pinned.to_bytes().decode(), MANIFEST_FILE)
                mlflow.log_text(notes.card, CARD_FILE)
                mlflow.log_dict(notes.evaluation, "evaluation.json")
                mlflow.set_tags({**pins_of(pinned, pinned.to_bytes()), "model_uri": info.model_uri})
            return run_id

    def register(self, task: Task, run_id: str | None = None) -> Registered:
        """The version of a run (the newest when None), made now unless it exists already."""
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            run = client.get_run(run_id) if run_id else self._newest_run(client, task)
            known = [v for v in self._versions(client, task) if v.run_id == run.info.run_id]
            if known:
                return known[-1]
            made = make_version(client, task, run)
            return self._registered(client, task, made)

    def versions(self, task: Task) -> list[Registered]:
        """Every version of the task, oldest first."""
        if not self.exists:
            return []
        with self._mlflow() as mlflow:
            return self._versions(self._client(mlflow), task)

    def told(self, task: Task, *, last: int = 20) -> list[Told]:
        """The newest versions with what their runs recorded, newest first."""
        if not self.exists:
            return []
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            known = reversed(self._versions(client, task)[-last:])
            return [told_of(client, self._judgement(mlflow, one), one) for one in known]

    def _judgement(self, mlflow: Any, version: Registered) -> Mapping[str, Any]:
        """The evaluation of the run, which never changes; empty where it kept none."""
        known: dict[str, Mapping[str, Any]] = self._kept.setdefault("judged", {})
        if version.run_id not in known:
            try:
                found = mlflow.artifacts.load_dict(f"runs:/{version.run_id}/evaluation.json")
            except mlflow.exceptions.MlflowException:
                return {}
            known[version.run_id] = found if isinstance(found, dict) else {}
        return known[version.run_id]

    def find(self, task: Task, wanted: str | None = None) -> Registered:
        """A version by number or alias, the newest when None. Raises NotFound."""
        versions = self.versions(task)
        if not versions:
            raise NotFound(
                f"no version of {task.name} is registered; run `voice-ai models train {task.name}`"
            )
        if wanted is None:
            return versions[-1]
        for version in versions:
            if wanted == version.version or wanted in version.aliases:
                return version
        numbers = ", ".join(v.version for v in versions[-10:])
        raise NotFound(f"{task.name} has no version {wanted!r}; there are {numbers}")

    def champion(self, task: Task) -> Registered | None:
        return next((v for v in self.versions(task) if CHAMPION in v.aliases), None)

    def aliases(self, task: Task) -> Mapping[str, str]:
        """Version by alias; none while the task has no version."""
        if not self.exists:
            return {}
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            found = client.search_registered_models(f"name='{task.model_name}'")
            return {str(k): str(v) for one in found for k, v in one.aliases.items()}

    def set_aliases(self, task: Task, wanted: Mapping[str, str | None]) -> None:
        """Move aliases; one whose version is None is taken away."""
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            for alias, version in wanted.items():
                if version is None:
                    client.delete_registered_model_alias(task.model_name, alias)
                else:
                    client.set_registered_model_alias(task.model_name, alias, version)

    def tag(self, version: Registered, tags: Mapping[str, str]) -> None:
        """Write tags on the version and on the run that made it."""
        name = find_task(version.task).model_name
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            for key, value in tags.items():
                client.set_model_version_tag(name, version.version, key, value)
                client.set_tag(version.run_id, key, value)

    def write_text(self, version: Registered, name: str, text: str) -> None:
        """Keep a text as a file of the version's run."""
        with self._mlflow() as mlflow:
            self._client(mlflow).log_text(version.run_id, text, name)

    def read_text(self, version: Registered, name: str) -> str | None:
        """A file of the version's run; None when it keeps none of that name."""
        with self._mlflow() as mlflow:
            if not any(
                one.path == name for one in self._client(mlflow).list_artifacts(version.run_id)
            ):
                return None
            return str(mlflow.artifacts.load_text(f"runs:/{version.run_id}/{name}"))

    def adopt(self, task: Task, folder: Path, manifest: Manifest, pipeline: Any) -> Registered:
        """Make a version of a model that was made elsewhere; its file keeps its bytes."""
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            run = client.create_run(self._experiment(client, task), run_name=f"adopt {task.name}")
            run_id = str(run.info.run_id)
            with mlflow.start_run(run_id=run_id), tempfile.TemporaryDirectory() as made:
                content = replace(manifest, version=None).to_bytes()
                save_flavour(mlflow, task, pipeline, Path(made) / "model", folder / MODEL_FILE)
                client.log_artifacts(run_id, str(Path(made) / "model"), "model")
                mlflow.log_text(content.decode(), MANIFEST_FILE)
                mlflow.log_metrics({f"heldout_{k}": v for k, v in manifest.metrics.items()})
                mlflow.set_tags(
                    {**pins_of(manifest, content), "model_uri": f"runs:/{run_id}/model"}
                )
        return self.register(task, run_id)

    def fetch(self, version: Registered, into: Path) -> tuple[Path, Manifest]:
        """Copy a version's files; returns the model file and the manifest, its pin checked."""
        with self._mlflow() as mlflow:
            client = self._client(mlflow)
            download = mlflow.artifacts.download_artifacts
            (into / "model").mkdir(parents=True, exist_ok=True)
            folder = Path(download(artifact_uri=version.source, dst_path=str(into / "model")))
            path = Path(client.download_artifacts(version.run_id, MANIFEST_FILE, str(into)))
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != version.manifest_sha256:
            raise Refused(
                f"the manifest of {version.task} version {version.version} was changed in the "
                "registry; train the model again"
            )
        manifest = replace(Manifest.from_bytes(content), version=version.version)
        return folder / MODEL_FILE, manifest

    @contextmanager
    def _mlflow(self) -> Iterator[Any]:
        """MLflow, pointed at this registry, silent, its errors as ours.

        A database that cannot be read is told at once: MLflow would try for minutes.
        """
        for name, value in _MLFLOW_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        if self.folder is not None:
            if self.exists:
                peek_aliases(self.uri)
            (self.folder / "artifacts").mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import alembic.util
            import mlflow
            import mlflow.sklearn
            import sqlalchemy.exc

            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            try:
                yield mlflow
            except (
                mlflow.exceptions.MlflowException,
                sqlalchemy.exc.SQLAlchemyError,
                alembic.util.CommandError,
            ) as error:
                reason = str(error).splitlines()[0].replace(self.uri, self.address)
                raise NotAvailable(
                    f"the model registry {self.address} gave an error ({reason}); "
                    "check MLFLOW_TRACKING_URI"
                ) from error

    def _client(self, mlflow: Any) -> Any:
        if "client" not in self._kept:
            self._kept["client"] = mlflow.MlflowClient(self.uri, self.uri)
        return self._kept["client"]

    def _experiment(self, client: Any, task: Task) -> str:
        found = client.get_experiment_by_name(task.model_name)
        if found is not None:
            return str(found.experiment_id)
        place = (self.folder / "artifacts" / task.name).as_uri() if self.folder else None
        return str(client.create_experiment(task.model_name, artifact_location=place))

    def _newest_run(self, client: Any, task: Task) -> Any:
        experiment = client.get_experiment_by_name(task.model_name)
        runs = (
            client.search_runs(
                [experiment.experiment_id],
                filter_string="attributes.status = 'FINISHED'",
                order_by=["attributes.start_time DESC"],
                max_results=1,
            )
            if experiment
            else []
        )
        if not runs:
            raise NotFound(
                f"no training run of {task.name} to register; "
                f"run `voice-ai models train {task.name}`"
            )
        return runs[0]

    def _pin(self, mlflow: Any, model_uri: str, manifest: Manifest) -> Manifest:
        with tempfile.TemporaryDirectory() as folder:
            copy = mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=folder)
            return replace(manifest, sha256=file_sha256(Path(copy) / MODEL_FILE))

    def _versions(self, client: Any, task: Task) -> list[Registered]:
        found = client.search_model_versions(f"name='{task.model_name}'", max_results=1000)
        aliases: Mapping[str, str] = (
            client.get_registered_model(task.model_name).aliases if found else {}
        )
        ordered = sorted(found, key=lambda version: int(version.version))
        return [registered_of(task, version, aliases) for version in ordered]

    def _registered(self, client: Any, task: Task, version: Any) -> Registered:
        wanted = str(version.version)
        return next(v for v in self._versions(client, task) if v.version == wanted)


def ui_command(registry: Registry, *, host: str, port: int) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of MLflow's server over `registry`, in its lightest form."""
    command = [sys.executable, "-m", "mlflow", "server"]
    if registry.folder is not None:
        place = (registry.folder / "artifacts").as_uri()
        command += ["--default-artifact-root", place, "--no-serve-artifacts"]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    return command, {
        **_MLFLOW_ENVIRONMENT,
        # In the environment and not on the command line, where everyone could read a password.
        "MLFLOW_BACKEND_STORE_URI": registry.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
