import type { WorkersAnswer } from '../answers/workers.js';
import { connectToRunning } from './connect.js';

/** The workers of the controller that runs in this folder; none when none runs. */
export async function listWorkers(directory: string): Promise<WorkersAnswer> {
  const connection = await connectToRunning(directory);
  if (connection === undefined) return { controllerRunning: false, workers: [] };
  try {
    const { workers } = await connection.client.request('status', {});
    return { controllerRunning: true, workers };
  } finally {
    await connection.close();
  }
}
