// Packs the chart and production's values into dist/, with the hash of each file and a note of the release.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { file, line } from "./notes.mjs";

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
await cp("helm", "dist/helm", { recursive: true });
const hashes = {};
for (const entry of await readdir("dist/helm", { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = `${entry.parentPath ?? entry.path}/${entry.name}`;
  hashes[path] = createHash("sha256").update(await readFile(path)).digest("hex");
}
const { version } = JSON.parse(await readFile("package.json"));
const subject = `Azora platform ${version}`;
await writeFile(`dist/${file(subject)}`, `${line(subject)}\n`);
await writeFile("dist/files.json", JSON.stringify(hashes, null, 2));
console.log(`dist/ holds ${Object.keys(hashes).length} files`);
