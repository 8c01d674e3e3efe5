"""What `rq worker -c worker_settings` reads: the settings of the environment, under RQ's names.

RQ itself uses REDIS_URL or SENTINEL, and QUEUES; JOB_TIMEOUT and RESULT_TTL are what our producers
put into every job. Neither handlers nor monitoring are imported here: stock `rq` reads this too.
"""

from workers.errors import SettingInvalid
from workers.routing import Priority, list_name
from workers.rq_settings import redis_url, sentinel
from workers.settings import load_settings

try:
    _settings = load_settings()
except SettingInvalid as error:  # rq would bury the sentence in its own traceback
    raise SystemExit(str(error)) from error

SENTINEL = sentinel(_settings)
# RQ looks at REDIS_URL first, so it must not be set where Sentinel knows the address.
REDIS_URL = None if SENTINEL else redis_url(_settings)
# Ours takes each name for its three lists; a stock worker must be told all of them.
QUEUES = [list_name(queue, priority) for priority in Priority for queue in _settings.queues]
JOB_TIMEOUT = _settings.job_timeout
RESULT_TTL = _settings.result_ttl
