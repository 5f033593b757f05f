"""Every setting: its default, its unit, its help. Set as `SAFELIGHT_<NAME>` in the environment or in a `.env` file.

The command line's options override the environment. `safelight doctor` prints what is in force.
"""

import os
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BackendName(StrEnum):
    """The built-in image backends."""

    SKETCH = "sketch"
    OPENAI = "openai"


class ProfileName(StrEnum):
    """The packaged policies: the default, and what changes for some kinds of service."""

    GENERAL = "general"
    ADULT_PLATFORM = "adult_platform"
    FASHION_RETAIL = "fashion_retail"
    CHILDREN = "children"
    NEWSROOM = "newsroom"


class MarksName(StrEnum):
    """What released pictures are marked with; the register knows them in any case."""

    ALL = "all"
    CREDENTIALS = "credentials"
    WATERMARK = "watermark"
    OFF = "off"


class MailTlsName(StrEnum):
    """How the way to the mail server is kept from others' eyes."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Settings(BaseSettings):
    """What an operator may choose. Limits of one request are in `core/limits.py`, thresholds in the policy."""

    model_config = SettingsConfigDict(env_prefix="SAFELIGHT_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(Path("safelight-data"), description="Folder for the database and the digest key.")
    database_url: str = Field("", description="SQLAlchemy address; empty: a SQLite file in the data folder.")
    ledger_origin: str = Field(
        "",
        description="The log's name: its address without the scheme, such as images.example/ledger. It stays; empty: "
        "what it was.",
    )
    ledger_head_file: Path | None = Field(
        None, description="Where the log's last head is kept, by rights on another disk; none: in the data folder."
    )
    ledger_witnesses: str = Field(
        "", description="Witnesses of the log, separated by spaces, each `name+id+key,address`."
    )
    ledger_stamps: str = Field(
        "", description="Address of an RFC 3161 authority that stamps the log's heads; empty: none."
    )
    ledger_stamps_minutes: int = Field(60, ge=1, description="Minutes between two time stamps.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8484, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    open: bool = Field(False, description="Ask for no API key. Only on a loopback address, for trying things out.")
    try_page: bool = Field(False, description="Serve the page at /try. Only together with `open`.")
    backend: BackendName = Field(BackendName.SKETCH, description="The image model behind the gate.")
    upstream_url: str = Field(
        "", description="Base address of the OpenAI-compatible upstream, such as http://127.0.0.1:9000/v1."
    )
    upstream_key: SecretStr = Field(SecretStr(""), description="The upstream's own API key.")
    sync_exchanges: bool = Field(
        False, description="Fetch hashes from the exchanges in the data folder's `exchanges.toml`, each when it is due."
    )
    policy_file: Path | None = Field(None, description="Policy in TOML; none: the packaged profile below.")
    policy_profile: ProfileName = Field(ProfileName.GENERAL, description="Packaged policy, where no file is given.")
    edit_chain_hours: int = Field(
        72, ge=0, le=720, description="Hours for which an output that comes back is recognised; 0: never."
    )
    edit_chain_words: bool = Field(
        True, description="Keep what was asked of an output, sealed, as long; off: keep only how it was judged."
    )
    production: bool = Field(
        False, description="Refuse to start with anything that is for trying out: the development chain, `open`."
    )
    marks: MarksName = Field(
        MarksName.ALL,
        description="What released pictures are marked with. What is asked for must be had, or none leaves.",
    )
    marks_signer: str = Field(
        "", description="Entry point in `safelight.signers` that signs credentials; empty: the key in the data folder."
    )
    marks_stamps: str = Field(
        "", description="Address of an RFC 3161 authority that stamps the time of content credentials; empty: none."
    )
    outputs_keep_days: int = Field(
        365, ge=1, le=36500, description="Days for which the register of outputs leads from a picture to its request."
    )
    verify_per_minute: int = Field(
        10, ge=0, description="Pictures a minute that one address may check at /verify; 0: the page and route are shut."
    )
    cases_rules_file: Path | None = Field(
        None, description="Rules for reports, in TOML; none: the packaged ones (docs/how-to/reports.md)."
    )
    accounts_language: str = Field(
        "en",
        description="Language of letters to accounts whose own the platform has not said (docs/how-to/reports.md).",
    )
    platform_url: str = Field(
        "", description="Where the platform takes signed orders to hide, remove and restore, and letters."
    )
    platform_secret: SecretStr = Field(
        SecretStr(""), description="`whsec_…` shared with the platform, or `whsk_…`, an Ed25519 key of ours."
    )
    mail_host: str = Field(
        "", description="The mail server that takes letters to people who gave an e-mail address; none: no e-mail."
    )
    mail_port: int = Field(587, ge=1, le=65535, description="Its port.")
    mail_tls: MailTlsName = Field(
        MailTlsName.STARTTLS, description="`starttls`, `tls` from the first byte, or `none`, on this machine only."
    )
    mail_user: str = Field("", description="As whom to sign in at the mail server, if it asks.")
    mail_password: SecretStr = Field(SecretStr(""), description="The password there.")
    mail_from: str = Field("", description="Who writes: an address, or `Reports <reports@images.example>`.")
    report_address: str = Field(
        "",
        pattern=r"^(https?://[^\s<>\"]+)?$",
        description="Where people find the report pages, such as https://images.example/report; letters name it.",
    )
    report_exit_url: str = Field(
        "https://www.wikipedia.org/",
        pattern=r"^https://[^\s<>\"']+$",
        description="Where the key and the button for leaving the report pages at once lead.",
    )
    report_hotlines_file: Path | None = Field(
        None, description="Hotlines named on the report pages, in TOML; none: the packaged ones."
    )
    fetch_allow_http: bool = Field(False, description="Also fetch `image_url` over http, not only https.")
    cores: int = Field(
        default_factory=lambda: max(1, min(8, os.cpu_count() or 1)), ge=1, description="Cores for detectors."
    )
    copy_model_file: Path | None = Field(
        None, description="A copy model of your own (ONNX, such as SSCD), asked beside the features of pictures; none."
    )
    copy_model_cosine: float = Field(
        0.75, gt=0, le=1, description="The cosine from which that model's vectors are those of copies."
    )
    observe_deadline_s: float = Field(
        10.0, gt=0, le=300, description="Seconds that all detectors together may take on a stage."
    )
    backend_timeout_s: float = Field(
        180.0, gt=0, le=3600, description="Seconds that one answer of the image model may take."
    )
    in_flight_max_count: int = Field(64, ge=1, description="Requests inside the gate at once; one more gets a 503.")
    subject_requests_per_minute: int = Field(
        0, ge=0, description="Requests a minute that one account of the platform may make; 0: no bound."
    )
    console_origin: str = Field(
        "",
        pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$",
        description="The console's address as browsers see it, such as https://console.example; "
        "empty: `http://localhost` and the port.",
    )
    console_idle_minutes: int = Field(30, ge=1, description="Minutes without a request that end a console session.")
    console_session_hours: int = Field(10, ge=1, le=24, description="Hours that end it, whatever is done.")
    shift_hours: int = Field(9, ge=1, le=24, description="Hours over which what somebody was shown is counted.")
    shift_cap_points: int = Field(
        120, ge=0, description="What one person may be shown in a shift: 2 for a picture in full, 1 with less detail."
    )
    break_after_points: int = Field(30, ge=1, description="After which a break comes before the next picture.")
    break_minutes: int = Field(10, ge=0, description="Minutes that a break takes at least.")
    second_look_share: float = Field(
        0.05, ge=0, le=1, description="Share of decided cases that somebody judges again without seeing the decision."
    )
    oidc_issuer: str = Field("", description="OpenID Connect issuer that staff may sign in by; empty: passkeys only.")
    oidc_client_id: str = Field("", description="The console's client id with that issuer.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="The console's client secret with that issuer.")
    log_json: bool = Field(True, description="Log lines as JSON; otherwise for reading on a terminal.")

    @property
    def kept_head_file(self) -> Path:
        """Where the log's last head is kept."""
        return self.ledger_head_file or self.data_dir / "ledger.head"

    @property
    def console_address(self) -> str:
        """Where browsers find the console, without a slash at the end."""
        return self.console_origin or f"http://localhost:{self.port}"
