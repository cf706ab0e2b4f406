-- SPDX-License-Identifier: Apache-2.0
-- wrk sends the lines of LOAD_BODIES in turn; @N@ in a line becomes a counter. The last line of output is JSON.
local bodies, n = {}, 0
for line in io.lines(os.getenv("LOAD_BODIES")) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  n = n + 1
  return wrk.format(nil, nil, nil, (bodies[n % #bodies + 1]:gsub("@N@", tostring(n))))
end
function done(summary, latency)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format('{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "bad": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad))
end
