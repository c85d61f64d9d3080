-- Counts one request under several windows, or under none of them: KEYS one hash per window, ARGV the number of
-- requests to count (1, or -1 to take one back) and then limit and slot length in ms per window. The time is Redis's
-- own, so that the clocks of the gateways do not matter. Answers, per window: admitted, remaining, ms until the reset.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slots = 60
local step = tonumber(ARGV[1])
local windows, room = {}, true
for i, key in ipairs(KEYS) do
  local limit, length = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local slot, used, oldest, latest, gone = math.floor(now / length), 0, nil, nil, {}
  local fields = redis.call('HGETALL', key)
  for f = 1, #fields, 2 do
    local at, count = tonumber(fields[f]), tonumber(fields[f + 1])
    if at + slots < slot then
      gone[#gone + 1] = fields[f]
    else
      used = used + count
      if not oldest or at < oldest then oldest = at end
      if not latest or at > latest then latest = at end
    end
  end
  if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
  windows[i] = { limit = limit, length = length, slot = math.max(slot, latest or slot), used = used, oldest = oldest, latest = latest }
  if used >= limit then room = false end
end
local answer = {}
for i, key in ipairs(KEYS) do
  local w = windows[i]
  local admitted = w.used < w.limit
  if step > 0 and room then
    redis.call('HINCRBY', key, string.format('%.0f', w.slot), 1)
    redis.call('PEXPIRE', key, (slots + 1) * w.length)
    w.used = w.used + 1
    w.oldest = w.oldest or w.slot
  elseif step < 0 and w.latest then
    local field = string.format('%.0f', w.latest)
    if redis.call('HINCRBY', key, field, -1) <= 0 then redis.call('HDEL', key, field) end
  end
  local reset = w.oldest and (w.oldest + slots + 1) * w.length - now or 0
  answer[#answer + 1] = admitted and 1 or 0
  answer[#answer + 1] = math.max(w.limit - w.used, 0)
  answer[#answer + 1] = math.max(reset, 0)
end
return answer
