import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../scripts/health.mjs";

const environment = { gateway: "http://gateway", services: ["identity", "payments"] };

test("every service is asked, the gateway too", async () => {
  const asked = [];
  const found = await ask(environment, { get: async (url) => (asked.push(url), { ok: true, status: 200 }) });
  assert.deepEqual(asked, ["http://gateway/health", "http://gateway/health/identity", "http://gateway/health/payments"]);
  assert.ok(found.every(({ well }) => well));
});

test("a service that does not answer is not well", async () => {
  const get = async (url) => {
    if (url.endsWith("payments")) throw new Error("connect ECONNREFUSED");
    return { ok: true, status: 200 };
  };
  const found = await ask(environment, { get });
  assert.deepEqual(found.filter(({ well }) => !well), [{ name: "payments", well: false, said: "connect ECONNREFUSED" }]);
});
