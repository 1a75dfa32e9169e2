"""All settings, flat and grouped; ``.env.example`` documents each one that can be set."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from faceadmin.env import Environment
from faceadmin.runtime.data_format import check_data_format
from faceadmin.runtime.instance_lock import find_running
from faceadmin.secret import secret_key
from vision import EngineSettings, ImageLimits, QualityThresholds

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment.load(BASE_DIR)
CHANGED_SETTINGS = env.changed  # names; told at the first start after an update

# Data folder and address
DATA = env.folder("FACEADMIN_DATA", BASE_DIR / "var")
check_data_format(DATA)  # before anything is written
FACEADMIN_HOST = env.text("FACEADMIN_HOST", "127.0.0.1")
FACEADMIN_PORT = env.integer("FACEADMIN_PORT", 8000, low=1, high=65535)
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY") or secret_key(DATA / "secret_key")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", "")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", words=("unix",))

# Erasures: one line for each person who was erased, for replay after a restore of the stores
ERASURE_LOG = env.path("ERASURE_LOG", DATA / "erasures.jsonl")
ERASURE_WAIT_SECONDS = env.integer("ERASURE_WAIT_SECONDS", 10, low=0, high=100)

# Documents (MongoDB) and vectors (Qdrant); embedded without a URL. The port of the embedded MongoDB
# comes from the instance that runs on the data folder, because another installation may use the
# default port.
_running = find_running(DATA)
_beside = FACEADMIN_PORT + 20000 if FACEADMIN_PORT < 45536 else FACEADMIN_PORT - 20000
FACEADMIN_MONGODB_PORT = env.integer(
    "FACEADMIN_MONGODB_PORT",
    _running.documents if _running and _running.documents else _beside,
    low=1,
    high=65535,
)
if FACEADMIN_MONGODB_PORT == FACEADMIN_PORT:
    raise ImproperlyConfigured("FACEADMIN_MONGODB_PORT has to differ from FACEADMIN_PORT.")
MONGODB_EMBEDDED = not env.text("MONGODB_URL")
MONGODB_URL = env.url(
    "MONGODB_URL",
    f"mongodb://127.0.0.1:{FACEADMIN_MONGODB_PORT}/?directConnection=true",
    schemes=("mongodb", "mongodb+srv"),
)
DATABASE_NAME = env.word("DATABASE_NAME", "faceadmin")
QDRANT_URL = env.url("QDRANT_URL", schemes=("http", "https"))
QDRANT_API_KEY = env.text("QDRANT_API_KEY")
QDRANT_EMBEDDED = not QDRANT_URL
QDRANT_SOCKET = DATA / "run" / "qdrant.sock"

# Buckets: S3 if keys are set, folders otherwise
WASABI_ACCESS_KEY = env.text("WASABI_ACCESS_KEY")
WASABI_SECRET_KEY = env.text("WASABI_SECRET_KEY")
WASABI_ENDPOINT = env.url("WASABI_ENDPOINT", "https://s3.wasabisys.com", schemes=("http", "https"))
WASABI_REGION = env.text("WASABI_REGION", "us-east-1")
BUCKETS_ROOT = env.folder("BUCKETS_ROOT", DATA / "buckets")
IGNORED_PATHS = env.patterns("IGNORED_PATHS")
CROPS_BUCKET = env.text("CROPS_BUCKET")
if bool(WASABI_ACCESS_KEY) != bool(WASABI_SECRET_KEY):
    raise ImproperlyConfigured(
        "WASABI_ACCESS_KEY and WASABI_SECRET_KEY go together; one of them is missing."
    )
if CROPS_BUCKET and not WASABI_ACCESS_KEY:
    raise ImproperlyConfigured("CROPS_BUCKET needs WASABI_ACCESS_KEY and WASABI_SECRET_KEY.")

# Workers
_CORES = os.cpu_count() or 1
FACEADMIN_WORKERS = env.integer("FACEADMIN_WORKERS", min(_CORES, 4), low=1, high=64)
FACEADMIN_THREADS = env.integer(
    "FACEADMIN_THREADS", max(_CORES // FACEADMIN_WORKERS, 1), low=1, high=256
)
QUEUE_HEARTBEAT_TIMEOUT = env.number("QUEUE_HEARTBEAT_TIMEOUT", 60, low=5, high=3600)
FACEADMIN_QUEUE = env.choice("FACEADMIN_QUEUE", "orm", among=("orm", "mongodb"))
if FACEADMIN_QUEUE == "mongodb" and MONGODB_EMBEDDED:
    raise ImproperlyConfigured("FACEADMIN_QUEUE=mongodb needs a server: set MONGODB_URL.")
REMOVALS_MAX_SHARE = env.number("REMOVALS_MAX_SHARE", 0.25, low=0, high=1)
RUNS_KEPT = env.integer("RUNS_KEPT", 3, low=1, high=1000)
GROUPING_INDEX_ABOVE = env.integer("GROUPING_INDEX_ABOVE", 200_000, low=0, high=10**9)

# Vision
VISION = EngineSettings(
    detector=env.text("FACEADMIN_DETECTOR", "auto"),
    embedder=env.text("FACEADMIN_EMBEDDER", "auto"),
    models=env.paths("FACEADMIN_MODELS"),
    cache=DATA / "models",
    threads=FACEADMIN_THREADS,
    limits=ImageLimits(
        max_bytes=env.integer("IMAGE_MAX_BYTES", 50_000_000, low=1, high=2_000_000_000),
        max_pixels=env.integer("IMAGE_MAX_PIXELS", 120_000_000, low=1, high=1_000_000_000),
        max_side=env.integer("IMAGE_MAX_SIDE", 30_000, low=1, high=65_535),
    ),
    thresholds=QualityThresholds(
        min_face_size=env.integer("MIN_FACE_SIZE", 30, low=1, high=2000),
        min_confidence=env.number("MIN_CONFIDENCE", 0.4, low=0, high=1),
        blur_threshold=env.number("BLUR_THRESHOLD", 50, low=0, high=10000),
    ),
)

# Django
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "django_q",
    "axes",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "storages",
    "storage",
    "web",
    "profiles",
    "clustering",
    "review",
    "assignments",
    "faceadmin",
]
MIDDLEWARE = [
    "web.proxies.TrustedProxiesMiddleware",  # first: the others read the client's address
    "django_htmx.middleware.HtmxMiddleware",  # early: error pages ask for request.htmx
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "faceadmin.hosts.HostsMiddleware",
    "web.middleware.BodiesMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "web.middleware.RedirectsMiddleware",
    "web.middleware.ToastsMiddleware",
    "web.middleware.RefusalsMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
ROOT_URLCONF = "faceadmin.urls"
WSGI_APPLICATION = "faceadmin.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context_processors.roles",
                "faceadmin.context_processors.models",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

# Login, sessions and the queue's tables
DATABASES = {
    "default": dj_database_url.parse(
        env.url(
            "DATABASE_URL",
            f"sqlite:///{DATA / 'faceadmin.sqlite3'}",
            schemes=("sqlite", "postgres", "postgresql"),
        ),
        conn_max_age=60,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        ),
    }
# Shared by web and workers: the queue's heartbeat is read through it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
    },
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Of its own, and large: many addresses must not push other counters out.
    "counters": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "counters",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
# In the database, so that a lock holds in every web process and over a restart.
AXES_HANDLER = "web.login.LoginAttempts"
AXES_CLIENT_IP_CALLABLE = "web.proxies.counted_address"
AXES_WHITELIST_CALLABLE = "web.known_browsers.is_known_browser"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # a lock ends when the page says it does
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "web.login.lockout_response"
AXES_SENSITIVE_PARAMETERS = ["username"]  # passwords get typed there; the log has the address
AXES_VERBOSE = False
LOGIN_REDIRECT_URL = "collections"
LOGOUT_REDIRECT_URL = "login"

# The queue: at-least-once delivery; a lease fences a task that runs longer than ``retry``
Q_CLUSTER = {
    "name": "faceadmin",
    "workers": FACEADMIN_WORKERS,
    "queue_limit": FACEADMIN_WORKERS,
    "timeout": 3600,
    "retry": 3660,
    "max_attempts": 5,
    "ack_failures": True,
    "poll": 0.2,
    "recycle": 5000,
    "save_limit": 200,
    "catch_up": False,
    "label": "Queue",
}
if FACEADMIN_QUEUE == "mongodb":
    Q_CLUSTER |= {"mongo": {"host": MONGODB_URL}, "mongo_db": f"{DATABASE_NAME}_queue"}
else:
    Q_CLUSTER |= {"orm": "default"}

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
if CROPS_BUCKET:
    _CROP_BUCKET = {
        "bucket_name": CROPS_BUCKET,
        "access_key": WASABI_ACCESS_KEY,
        "secret_key": WASABI_SECRET_KEY,
        "endpoint_url": WASABI_ENDPOINT,
        "region_name": WASABI_REGION,
    }
    _PICTURES = {
        "crops": {"BACKEND": "storage.picture_bucket.PictureBucket", "OPTIONS": _CROP_BUCKET},
        "references": {
            "BACKEND": "storage.picture_bucket.PictureBucket",
            "OPTIONS": {**_CROP_BUCKET, "location": "references"},
        },
    }
else:
    _PICTURES = {
        name: {"BACKEND": "storage.pictures.PictureFolder", "OPTIONS": {"location": DATA / name}}
        for name in ("crops", "references")
    }
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    **_PICTURES,
}

# REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "web.auth.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["web.auth.HoldsRole"],
    "DEFAULT_THROTTLE_CLASSES": ["web.throttling.CallerThrottle"],
    "DEFAULT_SCHEMA_CLASS": "web.schema.ApiSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["web.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "web.errors.api_exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
UPLOAD_MAX_BYTES = env.integer("UPLOAD_MAX_BYTES", 25_000_000, low=1, high=2_000_000_000)
PHOTOS_AT_ONCE = 10  # photos per form of a page
IMPORT_MAX_BYTES = env.integer("IMPORT_MAX_BYTES", 1_000_000_000, low=1, high=10**12)
REQUESTS_PER_MINUTE = env.integer("REQUESTS_PER_MINUTE", 6000, low=1, high=10**6)
FAILED_LOGINS_PER_MINUTE = env.integer("FAILED_LOGINS_PER_MINUTE", 60, low=1, high=10**6)
SPECTACULAR_SETTINGS = {
    "TITLE": "faceadmin",
    "DESCRIPTION": "Faces in buckets of photos: found, grouped into people, matched, corrected.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/mark.svg",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "validatorUrl": None},
    "ENUM_NAME_OVERRIDES": {},
}

# Browsers
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("SECURE_COOKIES", default=False)
CSRF_FAILURE_VIEW = "faceadmin.views.errors.csrf_failure"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Language and time
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO" if DEBUG else "WARNING"},
    "loggers": {"clustering": {"level": "INFO"}, "django.request": {"level": "ERROR"}},
}
