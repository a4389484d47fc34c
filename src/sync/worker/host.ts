// placeholder until the worker is there; overwrite this file
export interface WorkerThread { stop(): Promise<void> }
export function startWorkerThread(
  _access: { path: string; durability: 'full' | 'normal'; encryptionKey?: string | undefined },
  _on: { status: () => void; applied: (count: number) => void },
): Promise<WorkerThread> {
  return Promise.reject(new Error('no worker yet'));
}
