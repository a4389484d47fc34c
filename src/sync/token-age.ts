import * as z from 'zod';

const claims = z.object({ iat: z.number() });

/**
 * When a token was made, in unix seconds; undefined where it does not tell. Its signature is the hub's
 * business.
 */
export function issuedAtS(jwt: string): number | undefined {
  try {
    const payload = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8');
    return claims.safeParse(JSON.parse(payload)).data?.iat;
  } catch {
    // Not a token of this kind: the hub took it all the same.
    return undefined;
  }
}
