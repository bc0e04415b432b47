-- The requests of all routes in turns, for wrk.
local headers = { ["content-type"] = "application/json", ["accept-language"] = "en", ["user-agent"] = "training" }
local turn = 0

local function order()
    local first = turn * 7 % 900 + 1
    return string.format(
        '{"customer_id":%d,"lines":[{"product_id":%d,"quantity":2},{"product_id":%d,"quantity":1}]}',
        turn % 100 + 1, first + 50, first)
end

local function document()
    local orders = {}
    for number = 1, 60 do
        local line = string.format('{"sku":"sku-%d","quantity":%d,"price_cents":%d}', number, number % 7 + 1, 1000 + number)
        orders[number] = string.format(
            '{"customer":"Customer %d","region":"region-%d","lines":[%s,%s]}', number % 9, number % 8, line, line)
    end
    return '{"orders":[' .. table.concat(orders, ",") .. "]}"
end

local routes = {
    function() return wrk.format("GET", "/ping", headers) end,
    function() return wrk.format("GET", "/products/" .. turn % 1000 + 1, headers) end,
    function() return wrk.format("GET", "/customers/" .. turn % 100 + 1 .. "/orders?limit=20", headers) end,
    function() return wrk.format("POST", "/orders", headers, order()) end,
    function() return wrk.format("POST", "/cpu/summarize", headers, document()) end,
    function() return wrk.format("GET", "/cpu/collatz?from=" .. turn % 1000 + 1 .. "&count=100", headers) end,
    function() return wrk.format("GET", "/products/" .. turn % 1000 + 1 .. "/slow?ms=1", headers) end,
    function() return wrk.format("GET", "/wait?ms=1", headers) end,
    function() return wrk.format("GET", "/reports/regions?days=7", headers) end,
}

request = function()
    turn = turn + 1
    return routes[turn % #routes + 1]()
end

done = function(summary)
    if summary.errors.status > 0 or summary.requests < 1000 then
        io.stderr:write("the training went wrong: ", summary.requests, " requests, ", summary.errors.status, " errors\n")
        os.exit(1)
    end
end
