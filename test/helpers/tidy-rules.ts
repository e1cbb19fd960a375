/**
 * The rules of the source tree as functions over a list of files, so that tidy.test.ts can run them on the real
 * tree and on small bad trees alike. Each returns one plain sentence per breach; no breach, no sentence.
 *
 *   main -> cli -> voik -> { kafka | kinesis | admin } -> transactions -> groups -> streams -> log -> base
 *                                                       access -> base
 *           cli, voik, main -> config -> base
 */
import { dirname, join, normalize } from "node:path";

/** A file of the tree: its path from the root ("src/log/segment.ts") and its text. */
export interface SourceFile {
  path: string;
  text: string;
}

const RIGHT_OF_EDGES = ["access", "transactions", "groups", "streams", "log", "base"];
const EDGES = ["kafka", "kinesis", "admin"];

/** What each area of src may import besides itself. */
const ARROWS: Record<string, readonly string[]> = {
  main: ["cli", "voik", "config", ...EDGES, ...RIGHT_OF_EDGES],
  cli: ["voik", "config", ...EDGES, ...RIGHT_OF_EDGES],
  voik: ["config", ...EDGES, ...RIGHT_OF_EDGES],
  kafka: RIGHT_OF_EDGES,
  kinesis: RIGHT_OF_EDGES,
  admin: RIGHT_OF_EDGES,
  transactions: ["groups", "streams", "log", "base"],
  access: ["base"],
  groups: ["streams", "log", "base"],
  streams: ["log", "base"],
  log: ["base"],
  config: ["base"],
  base: [],
};

/** The composition roots: of the server, of the log as a library, of the tools that need no server. */
const ROOTS = ["src/voik.ts", "src/log/embedded.ts", "src/cli/log-folder.ts", "src/cli/access-client.ts"];

/** Concrete parts, which only the composition roots (and tests and benches) may name. */
const CONCRETE = [
  "src/streams/stream-broker.ts",
  "src/log/log-store.ts",
  "src/groups/coordinator.ts",
  "src/transactions/coordinator.ts",
  "src/access/open-access.ts",
  "src/base/disk.ts",
  "src/base/volume.ts",
  "src/kafka/server.ts",
  "src/kinesis/server.ts",
  "src/admin/server.ts",
];

/** Modules with a reach of their own, and the only files of src that may have them. */
const RESERVED: { modules: RegExp; allowed: RegExp; why: string }[] = [
  { modules: /^bun:ffi$/, allowed: /^src\/base\/libc\.ts$/, why: "base/libc.ts alone calls libc" },
  {
    modules: /^(node:)?fs(\/promises)?$/,
    // load.ts reads the user's config file; a produce command may read the user's --file.
    allowed: /^src\/(base\/|config\/load\.ts$|cli\/produce\.ts$)/,
    why: "the disk is reached through base/file-system.ts",
  },
  {
    modules: /^bun:sqlite$/,
    allowed: /^src\/(streams|groups|access)\/|^src\/base\/(database|database-seal|sqlite-errors)\.ts$/,
    why: "only base/database.ts, the catalog, groups and access use SQLite",
  },
];

/** Globals that are a clock, a timer, chance or a disk: only base/ has them, and whoever is named here. */
const SEAMS: { use: RegExp; allowed: RegExp; instead: string }[] = [
  {
    use: /\b(Date\.now|performance\.now|setTimeout|setInterval)\(|\bnew Date\(\)/,
    // client.ts is a client: it runs in the CLI and in tests, never in the broker.
    allowed: /^src\/(base\/|cli\/|kafka\/client\.ts$)/,
    instead: "base/clock.ts",
  },
  { use: /\b(Math\.random|randomUUID|randomBytes)\(/, allowed: /^src\/base\//, instead: "base/random.ts" },
  // A reference.ts writes a page of the documentation in a checkout.
  {
    use: /\bBun\.(file|write)\(/,
    allowed: /^src\/(base\/|cli\/|(config|kafka|kinesis)\/reference\.ts$)/,
    instead: "base/file-system.ts",
  },
];

const FORBIDDEN: [RegExp, string][] = [
  [/\b(TODO|FIXME|XXX)\b/, "an unfinished spot"],
  [/@ts-(ignore|nocheck|expect-error)/, "a silenced type error"],
  [/\bas any\b|: any\b|<any>/, "`any`"],
];

const LINES_MAX = 400;

/** The area of a file in src: its folder, or "main" and "voik" for the two files on top. */
function areaOf(path: string): string {
  const [, first = "", second] = path.split("/");
  return second === undefined ? first.replace(/\.ts$/, "") : first;
}

/** Code without comments, line for line. Good enough for a formatted tree; strings with "//" only lose their end. */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** What a file imports, type imports too: package names as they stand, relative ones as paths from the root. */
export function importsOf(file: SourceFile): string[] {
  const pattern = /\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"|\brequire\(\s*"([^"]+)"/g;
  return [...withoutComments(file.text).matchAll(pattern)].map((match) => {
    const name = (match[1] ?? match[2] ?? match[3]) as string;
    return name.startsWith(".") ? normalize(join(dirname(file.path), name)) : name;
  });
}

/** Each file's imports inside src go to its own area or to the right. */
export function brokenArrows(files: readonly SourceFile[]): string[] {
  return sourceImports(files).flatMap(({ file, target }) => {
    const from = areaOf(file.path);
    const to = areaOf(target);
    const allowed = ARROWS[from];
    if (allowed === undefined) return [`${file.path}: src/${from} is not part of the layout`];
    return from === to || allowed.includes(to)
      ? []
      : [`${file.path} imports ${target}: ${from} may not know ${to}`];
  });
}

/** Only a composition root imports a concrete part. */
export function concreteImports(files: readonly SourceFile[]): string[] {
  return sourceImports(files)
    .filter(({ file, target }) => CONCRETE.includes(target) && !ROOTS.includes(file.path))
    .map(
      ({ file, target }) => `${file.path} imports ${target}: only ${ROOTS.join(", ")} name concrete parts`,
    );
}

/** Relative imports name a file that exists, ending included. */
export function danglingImports(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map((file) => file.path));
  return sourceImports(files)
    .filter(({ target }) =>
      target.endsWith(".ts") ? !paths.has(target) : !/\.(json|html|css|svg)$/.test(target),
    )
    .map(({ file, target }) => `${file.path} imports ${target}, which is not there`);
}

/**
 * No file is reached again by following imports from it, type imports too: of any two files, one can be read without
 * the other. One sentence for each circle, with the shortest way round from its first file.
 */
export function importCircles(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map((file) => file.path));
  const imports = new Map(
    files.map((file) => [file.path, importsOf(file).filter((target) => known.has(target))]),
  );
  const told = new Set<string>();
  return [...imports.keys()].sort().flatMap((start) => {
    const circle = told.has(start) ? undefined : shortestCircle(start, imports);
    circle?.forEach((path) => told.add(path));
    return circle ? [`${[...circle, start].join(" -> ")}: imports go in a circle`] : [];
  });
}

/** The files on the shortest way from `start` back to it; undefined when there is none. */
function shortestCircle(start: string, imports: ReadonlyMap<string, string[]>): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const target of imports.get(way.at(-1) as string) ?? []) {
      if (target === start) return way;
      if (seen.has(target)) continue;
      seen.add(target);
      ways.push([...way, target]);
    }
  }
  return undefined;
}

/** Disk, clock, chance and libc are reached through base/. */
export function brokenSeams(files: readonly SourceFile[]): string[] {
  return files.filter(inSource).flatMap((file) => {
    const code = withoutComments(file.text);
    const modules = RESERVED.filter(
      ({ modules, allowed }) =>
        importsOf(file).some((name) => modules.test(name)) && !allowed.test(file.path),
    ).map(({ why }) => `${file.path}: ${why}`);
    const globals = SEAMS.filter(({ use, allowed }) => use.test(code) && !allowed.test(file.path)).map(
      ({ use, instead }) => `${file.path}: ${use.exec(code)?.[0]} belongs behind ${instead}`,
    );
    return [...modules, ...globals];
  });
}

/** No file passes 400 lines. */
export function longFiles(files: readonly SourceFile[]): string[] {
  return files
    .map((file) => ({ path: file.path, lines: file.text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines; ${LINES_MAX} is the most`);
}

/** Every file of src opens with a comment that says what it is. */
export function missingOpenings(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => inSource(file) && !/^(\/\*\*[\s\S]{20,}?\*\/|\/\/ .{20,})/.test(file.text))
    .map((file) => `${file.path} does not open with a comment that says what it is`);
}

/** Kebab-case names, and no index.ts: a name says what is inside. */
export function badNames(files: readonly SourceFile[]): string[] {
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/;
  return files
    .filter(({ path }) => {
      const parts = path.split("/");
      const name = parts.pop() as string;
      return (
        name === "index.ts" ||
        !kebab.test(name) ||
        parts.some((part) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part))
      );
    })
    .map(({ path }) => `${path}: names are kebab-case, and none is index.ts`);
}

/** Nothing unfinished, silenced or untyped. */
export function forbiddenText(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    FORBIDDEN.filter(([pattern]) => pattern.test(file.text)).map(([, what]) => `${file.path} has ${what}`),
  );
}

/** Every file of `folder` is imported by `table`, and `table` imports nothing from there that is not a file. */
export function tableGaps(files: readonly SourceFile[], table: string, folder: string): string[] {
  const there = files.map((file) => file.path).filter((path) => path.startsWith(`${folder}/`));
  const tableFile = files.find((file) => file.path === table);
  if (tableFile === undefined) return [`${table} is missing`];
  if (there.length === 0) return [`${folder} is empty`];
  const named = importsOf(tableFile).filter((path) => path.startsWith(`${folder}/`));
  return [
    ...there.filter((path) => !named.includes(path)).map((path) => `${path} is not in ${table}`),
    ...named
      .filter((path) => !there.includes(path))
      .map((path) => `${table} names ${path}, which is not there`),
  ];
}

/** Kafka's handlers and messages pair up by file name, and each file's number and name is a row of the table. */
export function kafkaTableGaps(files: readonly SourceFile[]): string[] {
  const table = files.find((file) => file.path === "src/kafka/apis.ts")?.text ?? "";
  const names = (folder: string) =>
    files
      .filter((file) => file.path.startsWith(`${folder}/`))
      .map((file) => file.path.slice(folder.length + 1));
  const handlers = names("src/kafka/handlers");
  const messages = names("src/kafka/messages");
  const rows = [...table.matchAll(/^\s+api\(\s*([A-Z]\w+),/gm)].map(([, name = ""]) => kebabOf(name));
  return [
    ...handlers
      .filter((name) => !messages.includes(name))
      .map((name) => `handlers/${name} has no messages/${name}`),
    ...messages
      .filter((name) => !handlers.includes(name))
      .map((name) => `messages/${name} has no handlers/${name}`),
    ...handlers
      .filter((name) => !rows.includes(nameOf(name)))
      .map((name) => `handlers/${name} has no row in apis.ts`),
    ...rows
      .filter((row) => !handlers.some((name) => nameOf(name) === row))
      .map((row) => `apis.ts has a row for ${row}, which has no handler`),
    ...files.flatMap(({ path, text }) => {
      const [, number, name] = /^src\/kafka\/messages\/(\d+)-(.*)\.ts$/.exec(path) ?? [];
      if (name === undefined) return [];
      const [, key = "", title = ""] = /\bkey: (\d+),\s+name: "(\w+)"/.exec(text) ?? [];
      return Number(key) === Number(number) && kebabOf(title) === name
        ? []
        : [`${path} is key ${key}, ${title}`];
    }),
  ];
}

/** Each Kinesis handler is a row of operations.ts under its own name, and the reverse. */
export function kinesisTableGaps(files: readonly SourceFile[]): string[] {
  const table = withoutComments(files.find((file) => file.path === "src/kinesis/operations.ts")?.text ?? "");
  const body = table.slice(table.indexOf("{", table.search(/OPERATIONS\b.*=/)));
  const rows = [...body.matchAll(/^\s+([A-Z]\w+)(?::|,)/gm)].map(([, name = ""]) => `${kebabOf(name)}.ts`);
  const folder = "src/kinesis/handlers/";
  const handlers = files
    .map((file) => file.path)
    .flatMap((path) => (path.startsWith(folder) ? [path.slice(folder.length)] : []));
  return [
    ...handlers
      .filter((name) => !rows.includes(name))
      .map((name) => `handlers/${name} has no row in operations.ts`),
    ...rows
      .filter((name) => !handlers.includes(name))
      .map((name) => `operations.ts has a row for ${name}, which is not there`),
  ];
}

/** "00-produce.ts" without number and ending. */
function nameOf(file: string): string {
  return file.replace(/^\d+-/, "").replace(/\.ts$/, "");
}

function kebabOf(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

function inSource(file: SourceFile): boolean {
  return file.path.startsWith("src/");
}

function sourceImports(files: readonly SourceFile[]): { file: SourceFile; target: string }[] {
  return files
    .filter(inSource)
    .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
    .filter(({ target }) => target.startsWith("src/"));
}
