"""What Valkey does by itself, in one step: add events to channels, tell what has been missed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import NoScriptError


class Script:
    """A Lua script that is sent in full only where Valkey doesn't know it.

    For any client, in a pipeline too: redis-py's own belongs to one client, and asks in each
    pipeline first whether Valkey knows it, which is a round trip more.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Redis, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run the script."""
        try:
            return client.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return client.eval(self.text, len(keys), *keys, *arguments)

    def run_all(
        self, client: Redis, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]
    ) -> list[Any]:
        """Run the script several times in one round trip; give the answers.

        Raises:
            RedisError: the first one; the script may have run for other calls.
        """
        if len(calls) == 1:
            return [self.run(client, *calls[0])]
        with client.pipeline(transaction=False) as pipe:
            for keys, arguments in calls:
                pipe.evalsha(self.sha, len(keys), *keys, *arguments)
            answers = pipe.execute(raise_on_error=False)
        for place, answer in enumerate(answers):
            if isinstance(answer, NoScriptError):
                answers[place] = self.run(client, *calls[place])
            elif isinstance(answer, Exception):
                raise answer
        return list(answers)

    async def run_async(
        self, client: AsyncRedis, keys: Sequence[str], arguments: Sequence[Any]
    ) -> Any:
        """Run the script without blocking the event loop."""
        try:
            return await client.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self.text, len(keys), *keys, *arguments)


#: Where Valkey keeps the life of empty channels: no channel's key.
EMPTY_LIFE_KEY = "heron:no-event-yet"

# Names this start of Valkey. INFO costs 12 us; without leave to ask, starts are not told apart.
_START = """
local info = redis.pcall('INFO', 'server')
local start = type(info) == 'string' and string.match(info, 'run_id:(%x%x%x%x%x%x%x%x)') or ''
"""

# KEYS: the channels. ARGV: kind, data, key (see Event), how many to keep, for how long, a new life.
APPEND = Script(
    _START
    + """
local ids = {}
for i, key in ipairs(KEYS) do
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
  local life, number = ARGV[6], 0
  if newest[1] then
    if newest[1][2][8] == start then
      life, number = string.match(newest[1][1], '(%d+)-(%d+)')
    else
      redis.call('DEL', key)
    end
  end
  local id = life .. '-' .. string.format('%d', number + 1)
  redis.call('XADD', key, 'MAXLEN', '~', ARGV[4], id,
             'k', ARGV[1], 'd', ARGV[2], 'j', ARGV[3], 's', start)
  redis.call('EXPIRE', key, ARGV[5])
  redis.call('PUBLISH', key, id .. '\\n' .. ARGV[1] .. '\\n' .. ARGV[3] .. '\\n' .. ARGV[2])
  ids[i] = id
end
return ids
"""
)

# KEYS: where the empty channels' life is, and the channels. ARGV: a new life for them, for how
# long; for each channel the life and the number of the last event known, two empty strings to ask
# for the newest id only. Of several events with the same key the newest is given. The usual answer,
# that nothing was missed, is the newest id alone: it is read thousands of times.
READ = Script(
    _START
    + """
local empty = string.match(redis.call('GET', KEYS[1]) or '', '^' .. start .. ':(%d+)$')
if not empty then
  empty = ARGV[1]
  redis.call('SET', KEYS[1], start .. ':' .. empty, 'EX', ARGV[2])
end
local answers = {}
for i = 2, #KEYS do
  local key, known_life, known = KEYS[i], ARGV[2 * i - 1], ARGV[2 * i]
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
  local id = empty .. '-0'
  if newest[1] and newest[1][2][8] == start then id = newest[1][1] end
  local life, number = string.match(id, '(%d+)-(%d+)')
  local was_empty = known_life == empty and known == '0'
  local answer = {id, 'gap'}
  if known_life == '' or (known_life == life and known == number) then
    answer = id
  elseif was_empty or (known_life == life and tonumber(known) < tonumber(number)) then
    local first = life .. '-' .. string.format('%d', known + 1)
    local rows = redis.call('XRANGE', key, first, '+')
    if rows[1] and rows[1][1] == first then
      local seen, kept = {}, {}
      for n = #rows, 1, -1 do
        local field = rows[n][2]
        if field[6] == '' or not seen[field[6]] then
          seen[field[6]] = true
          table.insert(kept, 1, {rows[n][1], field[2], field[6], field[4]})
        end
      end
      answer = {id, 'rows', kept}
    end
  end
  answers[i - 1] = answer
end
return answers
"""
)
