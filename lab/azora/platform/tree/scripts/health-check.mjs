// npm run health-check -- --env=production: exit 0 when every service answers, 1 when one does not, 2 when told wrong.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { ask } from "./health.mjs";

const { values } = parseArgs({ options: { env: { type: "string", default: "production" } } });
let environment;
try {
  environment = JSON.parse(await readFile(new URL(`../environments/${values.env}.json`, import.meta.url)));
} catch (error) {
  console.error(`There is no environment "${values.env}": ${error.message}`);
  process.exit(2);
}
const found = await ask(environment);
for (const { name, well, said } of found) console.log(`${well ? "ok    " : "FAILED"} ${name}: ${said}`);
process.exit(found.every(({ well }) => well) ? 0 : 1);
