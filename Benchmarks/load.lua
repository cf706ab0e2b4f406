-- SPDX-License-Identifier: Apache-2.0
-- wrk sends the lines of LOAD_BODIES in turn; @N@ in a line becomes a counter, and @RUN@ the next of LOAD_RUNS. The last line of output is JSON.
local bodies, runs, n = {}, {}, tonumber(os.getenv("LOAD_FIRST") or "0")
for name in (os.getenv("LOAD_RUNS") or ""):gmatch("[^,]+") do runs[#runs + 1] = name end
wrk.method = "POST"
if (os.getenv("LOAD_HEAD") or "") ~= "" then  -- bytes behind so many of JSON, as one body
  local file = io.open(os.getenv("LOAD_BODIES"), "rb")
  local body = file:read("*a")
  wrk.headers["Content-Type"] = "application/octet-stream"
  wrk.headers["Inference-Header-Content-Length"] = os.getenv("LOAD_HEAD")
  request = function() return wrk.format(nil, nil, nil, body) end
else
  for line in io.lines(os.getenv("LOAD_BODIES")) do bodies[#bodies + 1] = line end
  wrk.headers["Content-Type"] = "application/json"
  request = function()
    n = n + 1
    local body = bodies[n % #bodies + 1]:gsub("@N@", tostring(n))
    if #runs > 0 then body = body:gsub("@RUN@", runs[math.floor(n / #bodies) % #runs + 1]) end
    return wrk.format(nil, nil, nil, body)
  end
end
function done(summary, latency)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format('{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "bad": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad))
end
