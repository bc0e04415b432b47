// The cost model of reports/analysis/cost_model.py, with the same sums in the same order. Numbers and sentences are those of
// reports/units.py and reports/sections/cost.py. tests/reports/export/test_advisor_browser.py checks that both give the same
// answers. Nothing here uses the page.

// model: the constants of reports/analysis/cost_model.py, which are written down there alone.
function answer(basis, need, model) {
  const found = basis.rates.find((rates) => rates.target === need.reference && rates.cpu);
  const reference = found ? found.cpu.mid : 0;
  const bills = [];
  const unpriced = [];
  for (const rates of basis.rates) {
    const reason = unmeasured(basis, rates, need, reference);
    if (reason) unpriced.push([rates.target, reason]);
    else bills.push(billOf(basis, rates, need, reference || 1, model));
  }
  bills.sort((a, b) => a.total - b.total || (a.target < b.target ? -1 : 1));
  return { bills, unpriced, warnings: warningsOf(basis, need, reference, model), decided: decidedBy(bills) };
}

// The share of the dearest bill that the cheapest choice saves.
function decidedBy(bills) {
  const dearest = bills.length > 1 ? bills[bills.length - 1].total : 0;
  return dearest > 0 ? 1 - bills[0].total / dearest : null;
}

// The answer without hidden targets: cheapest and dearest are among those shown.
function without(found, hidden) {
  const bills = found.bills.filter((bill) => !hidden.includes(bill.target));
  const unpriced = found.unpriced.filter(([target]) => !hidden.includes(target));
  return { ...found, bills, unpriced, decided: decidedBy(bills) };
}

function unmeasured(basis, rates, need, reference) {
  if (need.cpu_ms && !rates.cpu) return "no valid trial of profile cpu, saturated";
  if (need.cpu_ms && !reference) return `the reference ${need.reference} has no valid trial of profile cpu, saturated`;
  if (need.queries && (!rates.db || basis.statements === null)) return "no valid trial of profile db, saturated";
  if (!rates.memory) return "its memory was not measured (profile db or cpu, saturated)";
  return null;
}

function billOf(basis, rates, need, reference, model) {
  const [low, mid, high] = ["low", "mid", "high"].map((bound) => sums(basis, rates, need, reference, bound, model));
  const total = (each) => each.core_money + each.memory_money + each.database_money;
  return { target: rates.target, ...mid, total: total(mid), low: total(low), high: total(high) };
}

function sums(basis, rates, need, reference, bound, model) {
  const of = (band) => (band ? band[bound] : 0);
  const statements = basis.statements || 1;
  const base = of(rates.base);
  const aQuery = rates.db ? Math.max(of(rates.db) - base, 0) / statements : 0;
  // On the reference target, the work is the reader's own figure: the measured interval does not apply to it.
  const scale = rates.target === need.reference ? 1 : of(rates.cpu) / reference;
  const service = need.cpu_ms * 1000 * scale + base + need.queries * aQuery;
  const cores = (need.rps * service) / 1e6 / need.utilisation;
  const instances = Math.max(need.instances, Math.ceil(cores / basis.cores));
  const waiters = (need.rps * need.wait_ms) / 1000 / instances;
  const beyond = Math.max(waiters - basis.connections, 0);
  const memory = (instances * model.headroom * (of(rates.memory) + beyond * of(rates.waiter))) / 2 ** 30;
  const database = (need.rps * need.queries * of(rates.database)) / statements / 1e6 / need.utilisation;
  const billed = Math.max(cores, instances * model.smallest_cores);
  return {
    cores,
    instances,
    memory_gib: memory,
    core_money: billed * need.core_price,
    memory_money: memory * need.memory_price,
    database_money: database * need.core_price,
  };
}

function warningsOf(basis, need, reference, model) {
  const found = [];
  if (basis.rates.every((rates) => !rates.base)) {
    found.push(
      "What a request costs apart from its work and its queries was not measured (profile ping): it is counted with " +
        "the queries, and as nothing in a request without any.",
    );
  }
  if (reference && need.cpu_ms * 1000 > model.stretch * reference) {
    found.push(
      `The measured requests of pure work take ${fixed(reference / 1000, 2)} ms on ${need.reference}: so much more work ` +
        "is extrapolated in a straight line.",
    );
  }
  if (basis.statements && need.queries > model.stretch * basis.statements) {
    found.push(
      `The measured database requests have ${fixed(basis.statements, 1)} statements: so many more are extrapolated in a ` +
        "straight line.",
    );
  }
  const waiters = (need.rps * need.wait_ms) / 1000 / need.instances;
  if (waiters > basis.connections && basis.rates.some((rates) => !rates.waiter)) {
    found.push(
      `Memory was measured with ${basis.connections} requests under way, and here up to ${grouped(fixed(waiters, 0))} ` +
        "wait in an instance: what one more waiter takes was not measured (profile waiters), and is counted as nothing.",
    );
  }
  return found;
}

// --- numbers as text -------------------------------------------------------------------------------------------------

// The value with so many decimals. Python rounds an exact half to even, toFixed always up.
function fixed(value, decimals) {
  const [whole, rest] = value.toFixed(decimals + 40).split(".");
  const kept = rest.slice(0, decimals);
  if (/^50*$/.test(rest.slice(decimals)) && /[02468]$/.test(whole + kept)) return kept ? `${whole}.${kept}` : whole;
  return value.toFixed(decimals);
}

function grouped(text) {
  const [whole, rest] = text.split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest === undefined ? "" : `.${rest}`);
}

// Three significant digits, as in reports/units.py.
function number(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "∞";
  const exact = value.toExponential(60);
  const down = /^-?\d\.\d[02468]50*e/.test(exact);
  const rounded = Number(down ? exact.replace(/50*e/, "e") : value.toExponential(2));
  const exponent = Number(rounded.toExponential().split("e")[1]);
  return grouped(rounded.toFixed(Math.max(0, 2 - exponent)));
}

// --- words and tables ------------------------------------------------------------------------------------------------

const money = (value, currency) => `${currency}${number(value)}`;

// A row of the table of bills.
function billRow(bill, currency) {
  return [
    bill.target,
    money(bill.total, currency),
    `${money(bill.low, currency)}–${number(bill.high)}`,
    String(bill.instances),
    number(bill.cores),
    `${number(bill.memory_gib)} GiB`,
    money(bill.core_money, currency),
    money(bill.memory_money, currency),
    money(bill.database_money, currency),
  ];
}

// How much of the bill the language decides: words, and names as {name}.
function said(found, currency) {
  if (found.decided === null) return ["Fewer than two targets can be priced from this record."];
  const cheapest = found.bills[0];
  const dearest = found.bills[found.bills.length - 1];
  const shared = money(Math.min(cheapest.database_money, dearest.database_money), currency);
  return [
    `The language decides ${fixed(found.decided * 100, 0)}% of this bill: `,
    { name: cheapest.target },
    ` takes ${money(cheapest.total, currency)} a month, `,
    { name: dearest.target },
    ` takes ${money(dearest.total, currency)}. At least ${shared} of each bill is for the database.`,
  ];
}
