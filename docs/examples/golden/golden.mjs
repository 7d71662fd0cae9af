// Golden files in JavaScript: is |mine - expected| <= allowed, for every element?
// node golden.mjs GOLDEN MINE compares two files; import { open, check } in a test of your own.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** The tensors of a golden file (.json or .safetensors) by name, as arrays of numbers. */
export function open(path) {
  const bytes = readFileSync(path);
  if (path.endsWith(".json")) {
    const tensors = Object.entries(JSON.parse(bytes.toString()).tensors);
    return new Map(tensors.map(([name, { data }]) => [name, data]));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const found = new Map();
  for (const [name, told] of Object.entries(JSON.parse(bytes.subarray(8, start).toString()))) {
    if (!/^F(32|64)$/.test(told.dtype ?? "")) continue;
    const width = Number(told.dtype.slice(1)) / 8;
    const [from, to] = told.data_offsets;
    const at = (i) => start + from + i * width;
    const one = (_, i) => (width === 8 ? view.getFloat64(at(i), true) : view.getFloat32(at(i), true));
    found.set(name, Array.from({ length: (to - from) / width }, one));
  }
  return found;
}

/** What is off in a tensor, in a sentence; "" if nothing is. */
export function check(golden, name, mine) {
  const expected = golden.get(`expected/${name}`);
  const allowed = golden.get(`allowed/${name}`);
  if (expected?.length !== mine.length) return `${name}: another size`;
  const share = (i) => Math.abs(mine[i] - expected[i]) / allowed[i];
  const off = [...mine.keys()].filter((i) => !(Math.abs(mine[i] - expected[i]) <= allowed[i]));
  if (!off.length) return "";
  const worst = off.reduce((a, b) => (share(b) > share(a) ? b : a));
  return `${name}: ${off.length} of ${mine.length} elements are off; at ${worst} ${mine[worst]}, ` +
    `expected ${expected[worst]}, allowed ${allowed[worst]}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [golden, mine] = process.argv.slice(2, 4).map(open);
  const names = [...golden.keys()].filter((name) => name.startsWith("expected/"));
  const given = names.map((name) => name.slice(9)).filter((name) => mine.has(name));
  const off = given.map((name) => check(golden, name, mine.get(name))).filter(Boolean);
  console.log([...off, `${given.length} tensors compared, ${off.length} off`].join("\n"));
  process.exit(off.length ? 1 : given.length ? 0 : 3); // nothing compared is no match
}
