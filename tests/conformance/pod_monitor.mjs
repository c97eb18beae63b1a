// Fails unless the PodMonitor on standard input is valid by its published schema.
import { readFileSync } from 'node:fs';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';

new PodMonitor(JSON.parse(readFileSync(0, 'utf8'))).validate();
