-- Sends the keys of a file in turn, each with the header line of another file if one
-- is named, or a body, and writes its counts in one line.
local requests, turn = {}, 0

function init(args)
	if args[2] and args[2] ~= "" then
		local body = io.open(args[2]):read("*a")
		requests[1] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
	elseif args[1] and args[1] ~= "" then
		local name, before = args[3]:match("^([^:]+): (.*)$")
		local headers = {}
		if args[4] and args[4] ~= "" then
			local other, value = io.open(args[4]):read("*l"):match("^([^:]+): (.*)$")
			headers[other] = value
		end
		for key in io.lines(args[1]) do
			headers[name] = before .. key
			requests[#requests + 1] = wrk.format("GET", nil, headers)
		end
	else
		requests[1] = wrk.format("GET")
	end
end

function request()
	turn = turn % #requests + 1
	return requests[turn]
end

function done(summary)
	local e = summary.errors
	io.write(string.format("COUNTS %d %d %d %d\n", summary.requests, summary.duration,
		e.status, e.connect + e.read + e.write + e.timeout))
end
