// Runs the defines of ELM libraries on patients: a list of jobs in JSON on stdin, of their results on stdout.
//
// in   [{now: instant, libraries: [ELM], valueSets: [FHIR ValueSet], patients: {name: FHIR Bundle}, evaluate: [library name]}, ...]
// out  [{patient name: {library name: {define: value | {error: text}}}}, ...]; no job sees the libraries of another
//
// Values: null, true, number, text, list; {date}, {dateTime}, {quantity: {value, unit}}, {code: {system, code, display}},
// {fhir: type, value: JSON} and other structures as {tuple: {...}}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const cql = require("cql-execution");
const fhir = require("cql-exec-fhir");

function codesOf(valueSet) {
  const listed = valueSet.expansion?.contains ??
    (valueSet.compose?.include ?? []).flatMap(({ system, concept }) => (concept ?? []).map((each) => ({ system, ...each })));
  return listed.map(({ system, code, version, display }) => ({ system, code, version, display }));
}

function codeService(valueSets) {
  const known = {};
  for (const each of valueSets) (known[each.url] ??= {})[each.version ?? ""] = codesOf(each);
  return new cql.CodeService(known);
}

function encoded(value) {
  if (value === null || value === undefined) return null;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(encoded);
  if (value.isDateTime) return { dateTime: value.toString() };
  if (value.isDate) return { date: value.toString() };
  if (value.isQuantity) return { quantity: { value: value.value, unit: value.unit } };
  if (value.isCode) return { code: { system: value.system, code: value.code, display: value.display ?? null } };
  if (value._typeInfo) return { fhir: value._typeInfo.name, value: value._json };
  return { tuple: Object.fromEntries(Object.entries(value).map(([name, each]) => [name, encoded(each)])) };
}

// One for all: making one reads the whole model of FHIR again.
const patients = fhir.PatientSource.FHIRv401();

function source(bundle) {
  patients.reset();
  patients.loadBundles([bundle]);
  return patients;
}

async function all(executor, bundle, now) {
  const { patientResults } = await executor.exec(source(bundle), now);
  return Object.values(patientResults)[0];
}

// Only where one of the defines fails: which one it is.
async function oneByOne(executor, names, bundle, now) {
  const results = {};
  for (const name of names) {
    try {
      const { patientResults } = await executor.exec_expression(name, source(bundle), now);
      results[name] = Object.values(patientResults)[0][name];
    } catch (error) {
      results[name] = { isError: true, text: String(error.message ?? error) };
    }
  }
  return results;
}

async function evaluated(job) {
  const libraries = Object.fromEntries(job.libraries.map((each) => [each.library.identifier.id, each]));
  const repository = new cql.Repository(libraries);
  const service = codeService(job.valueSets);
  const now = cql.DateTime.fromJSDate(new Date(job.now), 0);
  const output = {};
  for (const name of job.evaluate) {
    const library = repository.resolve(name);
    const executor = new cql.Executor(library, service, {});
    const defines = Object.entries(library.expressions).filter(([, each]) => each.context === "Patient");
    const names = defines.map(([each]) => each);
    for (const [patient, bundle] of Object.entries(job.patients)) {
      let results;
      try {
        results = await all(executor, bundle, now);
      } catch {
        results = await oneByOne(executor, names, bundle, now);
      }
      const values = names.filter((each) => each !== "Patient").map((each) =>
        [each, results[each]?.isError ? { error: results[each].text } : encoded(results[each])]);
      (output[patient] ??= {})[name] = Object.fromEntries(values);
    }
  }
  return output;
}

const outputs = [];
for (const job of JSON.parse(readFileSync(0, "utf8"))) outputs.push(await evaluated(job));
process.stdout.write(JSON.stringify(outputs));
