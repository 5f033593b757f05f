"""A running Safelight: from settings to every part, opened in order, and back down in reverse."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import structlog

from safelight import __version__
from safelight.accounts.service import Accounts
from safelight.accounts.staff_oidc import Oidc
from safelight.backends.openai.backend import OpenAIBackend
from safelight.backends.ports import Backend
from safelight.backends.sketch.backend import SketchBackend
from safelight.cases.rules import load_rules
from safelight.cases.service import Cases
from safelight.cases.stay_down import BankCopies
from safelight.cases.takedown.memory import NoPlatform
from safelight.cases.takedown.ports import Platform, Post
from safelight.cases.takedown.signing import parse_signer
from safelight.cases.takedown.webhook import Webhook
from safelight.consent.service import Consents
from safelight.core.clock import Clock, utc_now
from safelight.core.errors import BackendFailed, NotStartable, StoreFailed
from safelight.core.limits import DEFAULT_LIMITS, Limits
from safelight.core.signal import Vocabulary
from safelight.gate.cores import Cores
from safelight.gate.fetch import FetchRules, GuardedFetcher
from safelight.gate.flow import Gate
from safelight.gate.known_images import KnownImageDetector
from safelight.gate.marks import Marks
from safelight.gate.metrics import Metrics
from safelight.gate.observe import Observer
from safelight.gate.ports import FileResolver
from safelight.gate.record import Recorder
from safelight.ledger.append import Ledger
from safelight.ledger.head_file import HeadFile
from safelight.ledger.keeper import Keeper
from safelight.ledger.keys import load_or_make_key
from safelight.ledger.stamps import HttpStamps
from safelight.ledger.witnesses import HttpWitnesses, parse_witnesses
from safelight.lineage.service import Lineage
from safelight.lineage.words import WordsKey
from safelight.matching.copy_model import open_model
from safelight.matching.exchanges.subscriptions import FILE as EXCHANGES_FILE
from safelight.matching.exchanges.subscriptions import read_subscriptions
from safelight.matching.known import KnownImages, open_copies, open_hashes
from safelight.matching.past import StoredOutputs
from safelight.matching.watch import BankWatch
from safelight.policy.load import load_policy, profile_text
from safelight.policy.model import Policy
from safelight.provenance import keys as watermark_keys
from safelight.provenance.credentials import chain as credentials_chain
from safelight.provenance.credentials.read import CredentialReader
from safelight.provenance.credentials.signer import Signer
from safelight.provenance.marking import Marker
from safelight.provenance.service import Provenance
from safelight.provenance.trace import Tracer
from safelight.settings import BackendName, MarksName, Settings
from safelight.signals.ports import Detector
from safelight.signals.text import normalise
from safelight.store.database import Database, make_data_dir, sqlite_url
from safelight.store.digest_key import DigestKey
from safelight.wiring.detectors import ASKED_FIRST, builtin_detectors, plugin_detectors
from safelight.wiring.letters import post_of
from safelight.wiring.marks import MARKS_FOLDER, fingerprint, light_features, log_marks, log_trace, sealer_of, seeing
from safelight.wiring.memory import give_memory_back, keep_memory_small
from safelight.wiring.past import looking_back
from safelight.wiring.unsafe import refuse_unsafe

log = structlog.get_logger()


class Safelight:
    """A running Safelight. Use it as `async with Safelight(settings) as safelight:`."""

    def __init__(
        self,
        settings: Settings,
        *,
        detectors: Sequence[Detector] | None = None,
        backend: Backend | None = None,
        limits: Limits = DEFAULT_LIMITS,
        fetch_rules: FetchRules | None = None,
        files: FileResolver | None = None,
        signer: Signer | None = None,
        platform: Platform | None = None,
        post: Post | None = None,
        clock: Clock = utc_now,
        serves: bool = True,
    ) -> None:
        """Build every part; nothing is opened before `async with`. Raises NotStartable.

        `detectors`, `backend`, `limits`, `fetch_rules`, `signer` and `clock` replace what the settings would give;
        `files` looks up what a `file_id` names; `platform` and `post` take orders and letters in the webhook's place.
        Who only looks and `serves` nobody is no gate in the log.
        """
        refuse_unsafe(settings)
        self.settings = settings
        self._serves = serves
        self.limits = replace(
            limits,
            observe_deadline_s=settings.observe_deadline_s,
            backend_timeout_s=settings.backend_timeout_s,
            in_flight_max_count=settings.in_flight_max_count,
        )
        self.metrics = Metrics()
        self.files = files
        self.clock = self._clock = clock
        self._looked_at = float("-inf")
        self._troubles: dict[str, str] = {}
        self._looking = asyncio.Lock()
        self._closing = AsyncExitStack()
        self._detectors = (
            list(detectors) if detectors is not None else [*builtin_detectors(settings.data_dir), *plugin_detectors()]
        )
        self._backend = backend
        self._signer = signer
        self._platform, self._post = platform, post
        self._fetch_rules = fetch_rules or FetchRules(allow_http=settings.fetch_allow_http)

    async def __aenter__(self) -> "Safelight":
        """Open, load, verify. Raises NotStartable or StoreFailed, with everything closed again."""
        try:
            await self._open(self.settings)
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close every part, the last opened first."""
        await self._closing.aclose()

    async def troubles(self) -> dict[str, str]:
        """What stands in the way of judging and serving now, by part; empty when ready.

        Anybody may ask, and looking costs something, so an answer is given again for `ready_max_age_s`.
        """
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if now - self._looked_at >= self.limits.ready_max_age_s:
                self._troubles, self._looked_at = await self._look(), now
            return self._troubles

    async def _look(self) -> dict[str, str]:
        troubles = await self.observer.troubles()
        try:
            await self.database.ping()
        except StoreFailed as error:
            troubles["store"] = error.message
        if trouble := self.keeper.trouble():
            troubles["ledger"] = trouble
        if trouble := self.marks.trouble():
            troubles["marks"] = trouble
        if trouble := self.cases.trouble():
            troubles["cases"] = trouble
        try:
            await self.backend.ready()
        except BackendFailed as error:
            troubles["backend"] = error.message
        return troubles

    async def _open(self, settings: Settings) -> None:
        keep_memory_small()
        make_data_dir(settings.data_dir)
        url = settings.database_url or sqlite_url(settings.data_dir / "safelight.db")
        self.database = Database(url, timeout_s=self.limits.store_timeout_s)
        self._closing.callback(self.database.close)
        self.database.migrate()
        digest_key = DigestKey.load_or_make(settings.data_dir / "digest.key")
        self.second_look_key = digest_key.derived("second looks")
        self.oidc = self._open_oidc(settings)

        cores = Cores(settings.cores)
        model = open_model(settings.copy_model_file, settings.copy_model_cosine)
        copies = open_copies(self.database, settings.data_dir, digest_key, self.limits.copies_max_count, model)
        self.known = KnownImages(self.database, open_hashes(settings.data_dir, digest_key), copies)
        self._watch_banks(settings)
        for detector in self._detectors:
            if isinstance(detector, KnownImageDetector):
                detector.bind(self.known, self._clock)
        self.observer = Observer(
            self._detectors, cores, self.metrics, deadline_s=self.limits.observe_deadline_s, first=ASKED_FIRST
        )
        self._closing.callback(self.observer.close)
        normalise.load()
        self.load_seconds = await self.observer.load()
        give_memory_back()
        decoding = cores.lane("decode")
        self._closing.callback(decoding.close)
        self.policy = _policy(settings, self.observer.vocabulary)
        self.fetcher = GuardedFetcher(self._fetch_rules, self.limits)
        self._closing.push_async_callback(self.fetcher.close)
        self.backend = self._backend or self._make_backend()
        self._closing.push_async_callback(self.backend.close)

        self.accounts = Accounts(
            self.database,
            digest_key,
            self._clock,
            require_key=not settings.open,
            subject_requests_per_minute=settings.subject_requests_per_minute,
        )
        self.consents = Consents(self.database, self._clock, self.limits)
        self.keeper = await self._open_ledger(settings)
        self.lineage = Lineage(
            self.database,
            digest_key,
            self._clock,
            fingerprint,
            WordsKey.load_or_make(settings.data_dir / "lineage.key") if settings.edit_chain_words else None,
            keep=timedelta(hours=settings.edit_chain_hours),
        )
        await self.lineage.purge()
        recorder = Recorder(
            self.database,
            digest_key,
            self.policy,
            self._clock,
            self.ledger,
            trouble=self.keeper.trouble,
            edit_chain=self.lineage,
            keep_outputs=timedelta(days=settings.outputs_keep_days),
        )
        await recorder.keep_policy()
        marker = self._open_marks(settings, cores, digest_key)
        await self.database.write(lambda c: log_marks(self.ledger, c, marker))
        self.gate = Gate(
            accounts=self.accounts,
            consents=self.consents,
            lineage=self.lineage,
            observer=self.observer,
            policy=self.policy,
            backend=self.backend,
            recorder=recorder,
            marks=self.marks,
            credentials=self.credentials,
            decoding=decoding,
            metrics=self.metrics,
            limits=self.limits,
            clock=self._clock,
        )
        await self._open_cases(settings, digest_key)

    def _watch_banks(self, settings: Settings) -> None:
        """Have silence told, and exchanges fetched where the settings say so. Raises NotStartable."""
        file = settings.data_dir / EXCHANGES_FILE
        watch = BankWatch(
            self.database,
            self.known.hashes,
            self._clock,
            tell_stale=self.metrics.banks_stale.set,
            subscriptions=read_subscriptions(file) if settings.sync_exchanges else (),
        )
        watch.start()
        self._closing.callback(watch.close)

    async def _open_ledger(self, settings: Settings) -> Keeper:
        """Check the log and begin this process's count. Raises LedgerUnfit."""
        head = settings.kept_head_file
        key = load_or_make_key(settings.data_dir / "ledger.key", settings.ledger_origin, head)
        self.ledger = Ledger(key, self._clock)
        head_file = HeadFile(head, key.public())
        witnesses = None
        if known := parse_witnesses(settings.ledger_witnesses):
            witnesses = await self._closing.enter_async_context(HttpWitnesses(self.database, known))
        stamps = None
        if settings.ledger_stamps:
            every_s = settings.ledger_stamps_minutes * 60
            stamps = HttpStamps(self.database, settings.ledger_stamps, self._clock, every_s=every_s)
        keeper = Keeper(
            self.database,
            self.ledger,
            head_file,
            self._clock,
            witnesses,
            stamps,
            behind_max_s=self.limits.ledger_behind_max_s,
        )
        self._closing.push_async_callback(keeper.close)
        models = [f"{detector.name}@{detector.version}" for detector in self._detectors]
        thresholds = {name: float(threshold.value) for name, threshold in self.policy.thresholds.items()}
        policy = self.policy.version if self._serves else None
        await keeper.open(release=__version__, policy=policy, models=models, thresholds=thresholds)
        return keeper

    def _open_marks(self, settings: Settings, cores: Cores, digest_key: DigestKey) -> Marker | None:
        """Keys and certificates of the marks, and who reads them. Raises NotStartable."""
        folder = settings.data_dir / MARKS_FOLDER
        key = sealer = None
        # Read in any case: what was marked before stays marked, whatever is asked for now.
        self.watermark_keys = watermark_keys.load_or_make(folder / "watermark")
        self.credentials = CredentialReader(credentials_chain.trust_of(folder))
        self._closing.callback(self.credentials.close)
        if settings.marks in {MarksName.ALL, MarksName.WATERMARK}:
            key = self.watermark_keys[0]
        if settings.marks in {MarksName.ALL, MarksName.CREDENTIALS}:
            sealer = sealer_of(settings, folder, self._clock(), self.credentials, self._signer)
            self._closing.callback(sealer.close)
            if why := sealer.chain.why_unfit(self._clock()):
                raise NotStartable(f"The certificates for content credentials cannot be used: {why}; renew them.")
            sealer.prove(self._clock())
            if sealer.chain.is_development:
                message = (
                    "Pictures are signed under a chain made here, which nobody outside trusts. For trying out only."
                )
                log.warning("development_chain", message=message)
        if settings.marks is MarksName.OFF:
            log.warning(
                "marks_off", message="Released pictures are not marked. In many places the law wants them to be."
            )
        marking = cores.lane("mark")
        self._closing.callback(marking.close)
        marker = Marker(key, sealer) if key or sealer else None
        self.marks = Marks(marker, marking, self.limits, fingerprints=fingerprint, features=light_features)
        self.provenance = Provenance(
            Tracer(self.credentials, self.watermark_keys, seeing(digest_key)),
            self.database,
            self._clock,
            lambda connection, use, trace: log_trace(self.ledger, connection, use, trace),
        )
        return marker

    def _open_oidc(self, settings: Settings) -> Oidc | None:
        """The organisation's sign-in, where one is set. Raises NotStartable."""
        if not settings.oidc_issuer:
            return None
        oidc = Oidc(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret.get_secret_value(),
            f"{settings.console_address}/console/sign-in/oidc/back",
        )
        self._closing.push_async_callback(oidc.close)
        return oidc

    async def _open_cases(self, settings: Settings, digest_key: DigestKey) -> None:
        """Reports, their clocks and what follows. Raises NotStartable."""
        platform: Platform = self._platform or NoPlatform()
        webhook: Webhook | None = None
        if settings.platform_url and self._platform is None:
            signer = parse_signer(settings.platform_secret.get_secret_value())
            webhook = Webhook(settings.platform_url, signer, self._clock)
            self._closing.push_async_callback(webhook.close)
            platform = webhook
        if isinstance(platform, NoPlatform):
            message = (
                "No platform is connected, so nobody is told to hide what is reported: set SAFELIGHT_PLATFORM_URL."
            )
            log.warning("no_platform", message=message)
        self.cases = Cases(
            self.database,
            load_rules(settings.cases_rules_file),
            digest_key,
            self._clock,
            self.ledger,
            copies=BankCopies(self.known, self._clock, StoredOutputs(self.database), self.limits),
            platform=platform,
            post=self._post or post_of(settings, webhook, self._clock),
            language=settings.accounts_language,
            page=settings.report_address,
        )
        self._closing.push_async_callback(self.cases.close)
        await self.cases.start()
        self.past_finds, self.past_copies = looking_back(
            self.known, self.cases, self._clock, self.limits, self.metrics.finds_without_case.set
        )
        for task in (self.past_finds, self.past_copies):
            self._closing.push_async_callback(task.close)
            await task.start()

    def _make_backend(self) -> Backend:
        if self.settings.backend is BackendName.SKETCH:
            return SketchBackend()
        return OpenAIBackend(
            self.settings.upstream_url,
            api_key=self.settings.upstream_key.get_secret_value(),
            fetcher=self.fetcher,
            limits=self.limits,
        )


def _policy(settings: Settings, vocabulary: Vocabulary) -> Policy:
    if settings.policy_file is None:
        return load_policy(profile_text(settings.policy_profile), vocabulary)
    try:
        text = settings.policy_file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotStartable(f"The policy file {settings.policy_file} cannot be read.") from error
    return load_policy(text, vocabulary)
