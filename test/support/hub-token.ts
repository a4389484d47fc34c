import { SignJWT, exportSPKI, generateKeyPair } from 'jose';

export interface HubKey {
  /** For `startSqld({ jwtKey })`. */
  readonly publicKey: string;
  /**
   * A token of this key with full rights for an hour.
   *
   * @param options.readOnly - it may read only
   * @param options.expiresInS - seconds from now; sqld lets 60 seconds more pass
   * @param options.madeAtS - unix seconds, as `hub token` writes them into it; by default untold
   */
  token(options?: {
    readonly readOnly?: boolean;
    readonly expiresInS?: number;
    readonly madeAtS?: number;
  }): Promise<string>;
}

/** A new Ed25519 key pair, as the hub's administrator makes it. */
export async function makeHubKey(): Promise<HubKey> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  return {
    publicKey: await exportSPKI(publicKey),
    token: ({ readOnly = false, expiresInS = 3600, madeAtS } = {}) =>
      new SignJWT({ ...(readOnly && { a: 'ro' }), ...(madeAtS !== undefined && { iat: madeAtS }) })
        .setProtectedHeader({ alg: 'EdDSA' })
        .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInS)
        .sign(privateKey),
  };
}
