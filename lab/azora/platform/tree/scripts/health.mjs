// Which service is well: each is asked for its /health, all at the same time, through the gateway.

export function addresses(environment) {
  const behind = environment.services.map((name) => [name, `${environment.gateway}/health/${name}`]);
  return [["api-gateway", `${environment.gateway}/health`], ...behind];
}

export async function ask(environment, { get = fetch, timeout = 5000 } = {}) {
  return Promise.all(
    addresses(environment).map(async ([name, url]) => {
      try {
        const response = await get(url, { signal: AbortSignal.timeout(timeout) });
        return { name, well: response.ok, said: `HTTP ${response.status}` };
      } catch (error) {
        return { name, well: false, said: error.cause?.message ?? error.message };
      }
    }),
  );
}
