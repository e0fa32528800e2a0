// Packs the chart and production's values into dist/, with the hash of each file.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
await cp("helm", "dist/helm", { recursive: true });
const hashes = {};
for (const entry of await readdir("dist/helm", { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = `${entry.parentPath ?? entry.path}/${entry.name}`;
  hashes[path] = createHash("sha256").update(await readFile(path)).digest("hex");
}
await writeFile("dist/files.json", JSON.stringify(hashes, null, 2));
console.log(`dist/ holds ${Object.keys(hashes).length} files`);
