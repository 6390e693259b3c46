// An OpenID provider for tests: node provider.mjs FOLDER PORT WORLD.json
//
// FOLDER has the node_modules. WORLD is {"keys": [private JWK, ...], "audiences": [URL, ...],
// "users": {NAME: {"claims": {...}, "lifeS": seconds}}}. The first key signs, all are published. A
// user's token comes from the client credentials flow, with the name as id and "secret" as secret;
// its audience is the parameter `resource`, by default the first one.
import { readFileSync } from 'node:fs';

const [folder, port, file] = process.argv.slice(2);
const { default: Provider } = await import(`${folder}/node_modules/oidc-provider/lib/index.js`);
const world = JSON.parse(readFileSync(file));
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  jwks: { keys: world.keys },
  clients: Object.keys(world.users).map((name) => ({
    client_id: name,
    client_secret: 'secret',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => world.audiences[0],
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => ({
        scope: 'openid',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: world.users[client.clientId].lifeS ?? 3600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: (ctx, token) => world.users[token.clientId].claims,
});
provider.listen(Number(port), '127.0.0.1');
