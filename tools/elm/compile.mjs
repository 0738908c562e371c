// CQL -> ELM with the official translator: node compile.mjs [--check] DIR ...
//
// Writes <name>.elm.json beside every DIR/libraries/*.cql and DIR/*/prepopulation.cql. What is included is looked for in
// all DIRs and in the content that comes with the server. With --check nothing is written: exit 1 where anything would be.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const say = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true; // the translator's logger greets on stdout
const { SystemModelInfoProvider } = await import("@cqframework/cql/cql");
const translator = await import("@cqframework/cql/cql-to-elm");

const OWN = resolve(dirname(fileURLToPath(import.meta.url)), "../../questionnaires");
const FHIR_MODEL = createRequire(import.meta.url).resolve("cql-exec-fhir/lib/modelInfos/fhir-modelinfo-4.0.1.xml");
// Empty everywhere in the translator's output; lists that mean something when empty (List.element) are not among them.
const NOISE = new Set(["annotation", "signature", "include", "codeFilter", "dateFilter", "otherFilter"]);
// Comes with every retrieve by one code where FHIRHelpers is not included; its ELM is right (see badRetrieves).
const EXPECTED = "Could not resolve membership operator for terminology target of the retrieve.";

function sources(directory) {
  const libraries = join(directory, "libraries");
  const shared = existsSync(libraries) ? readdirSync(libraries).filter((name) => name.endsWith(".cql")) : [];
  const topics = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [
    ...shared.map((name) => join(libraries, name)),
    ...topics.map((entry) => join(directory, entry.name, "prepopulation.cql")).filter((path) => existsSync(path)),
  ].sort();
}

function read(path) {
  const text = readFileSync(path, "utf8");
  return { path, text, name: /^library\s+"?([\w-]+)/m.exec(text)?.[1] };
}

// Only asked whether a unit exists; amounts are converted where the ELM runs.
function units() {
  const ucum = createRequire(import.meta.url)("@lhncbc/ucum-lhc").UcumLhcUtils.getInstance();
  const never = () => { throw new Error("nothing is converted while compiling"); };
  const problem = (unit) => (ucum.validateUnitString(unit).status === "valid" ? null : `${unit} is no UCUM unit`);
  return translator.createUcumService(never, problem, never, never);
}

function libraryManager(known) {
  const models = new translator.ModelManager();
  const model = translator.stringAsSource(readFileSync(FHIR_MODEL, "utf8"));
  models.modelInfoLoader.registerModelInfoProvider(new SystemModelInfoProvider());
  models.modelInfoLoader.registerModelInfoProvider(
    translator.createModelInfoProvider((name, _system, version) => (name === "FHIR" && version === "4.0.1" ? model : null)),
  );
  const options = new translator.CqlCompilerOptions();
  const { DisableListDemotion, DisableListPromotion } = translator.CqlCompilerOptions.Options;
  options.setOptions([DisableListDemotion, DisableListPromotion]); // a list is never one value by accident
  options.signatureLevel = translator.LibraryBuilder.SignatureLevel.Overloads;
  const manager = new translator.LibraryManager(models, options, undefined, units());
  manager.librarySourceLoader.registerProvider(
    translator.createLibrarySourceProvider((name) => {
      const found = known.get(name);
      return found ? translator.stringAsSource(found.text) : null;
    }),
  );
  return manager;
}

// A retrieve by a list of codes becomes a list of lists without FHIRHelpers: engines would find nothing, silently.
function badRetrieves(node) {
  if (Array.isArray(node)) return node.reduce((sum, each) => sum + badRetrieves(each), 0);
  if (node === null || typeof node !== "object") return 0;
  const inner = Object.values(node).reduce((sum, each) => sum + badRetrieves(each), 0);
  const codes = node.type === "Retrieve" ? node.codes : undefined;
  const bad = codes?.type === "ToList" && !["CodeRef", "Code"].includes(codes.operand?.type);
  return inner + (bad ? 1 : 0);
}

// What compiles, but is not found by engines.
function notFound(library) {
  const codes = (library.codes?.def ?? []).filter((code) => code.codeSystem?.libraryName);
  const sets = (library.valueSets?.def ?? []).filter((set) => set.id.includes("|"));
  return [
    ...codes.map(({ name }) => `code "${name}" is of a code system of another library - declare the code system here`),
    ...sets.map(({ name }) => `valueset "${name}" has its version in the url - write version '...' behind it`),
  ];
}

function compile(source, manager) {
  const library = JSON.parse(translator.CqlTranslator.fromText(source.text, manager).toJson()).library;
  const notes = (library.annotation ?? []).filter((note) => note.type === "CqlToElmError");
  const problems = notes
    .filter((note) => note.message !== EXPECTED && (!note.libraryId || note.libraryId === source.name))
    .map((note) => `${source.path}:${note.startLine}:${note.startChar}: ${note.errorSeverity}: ${note.message}`);
  const bad = badRetrieves(library.statements);
  if (bad) {
    const where = notes.filter((note) => note.message === EXPECTED).map((note) => note.startLine).join(", ");
    problems.push(`${source.path}:1:1: error: ${bad} of the retrieves (lines ${where}) are by a list of codes - ` +
      'write one code each and "union"');
  }
  problems.push(...notFound(library).map((what) => `${source.path}:1:1: error: ${what}`));
  const failed = problems.some((each) => each.includes(": error: ")) || notes.some((note) => note.errorSeverity === "error");
  if (failed && !problems.length) problems.push(`${source.path}:1:1: error: what it includes does not compile`);
  const sha256 = createHash("sha256").update(source.text).digest("hex");
  library.annotation = [
    ...library.annotation.filter((note) => note.type === "CqlToElmInfo"),
    { type: "Annotation", t: [{ name: "cql-sha256", value: sha256 }] },
  ];
  return { failed, problems, elm: `${JSON.stringify({ library }, quieted)}\n` };
}

function quieted(key, value) {
  return NOISE.has(key) && Array.isArray(value) && value.length === 0 ? undefined : value;
}

const args = process.argv.slice(2);
const checking = args.includes("--check");
const directories = args.filter((each) => each !== "--check").map((each) => resolve(each));
for (const missing of directories.filter((each) => !existsSync(each))) {
  console.error(`${missing}: error: there is no such directory`);
  process.exit(2);
}
const own = directories.length ? directories : [OWN];
const written = own.flatMap(sources).map(read);
const known = new Map([...sources(OWN).map(read), ...written].map((source) => [source.name, source]));
const manager = libraryManager(known);
let wrong = 0;
for (const source of written) {
  const target = source.path.replace(/\.cql$/, ".elm.json");
  const { failed, problems, elm } = compile(source, manager);
  for (const problem of problems) console.error(relative(process.cwd(), problem));
  const same = existsSync(target) && readFileSync(target, "utf8") === elm;
  if (failed) wrong += 1;
  else if (checking && !same) {
    console.error(`${relative(process.cwd(), target)}:1:1: error: this is not the ELM of its CQL - run make elm`);
    wrong += 1;
  } else if (!same) {
    writeFileSync(target, elm);
    say(`${relative(process.cwd(), target)}\n`);
  }
}
process.exitCode = wrong ? 1 : 0;
