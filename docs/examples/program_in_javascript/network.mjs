// A network of two layers in plain JavaScript that backproof verifies over a pipe, in JSON alone:
// tanh, then a logistic unit with the mean binary cross-entropy. See docs/protocol.md.
import { createInterface } from "node:readline";

const column = (matrix, j) => matrix.map((row) => row[j]);
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const columns = (matrix) => matrix[0].map((_, j) => column(matrix, j));
const product = (a, b) => a.map((row) => columns(b).map((other) => dot(row, other)));
const sums = (matrix) => columns(matrix).map((each) => each.reduce((sum, value) => sum + value, 0));

function affine(x, kernel, bias) {
  return product(x, kernel).map((row) => row.map((value, j) => value + bias[j]));
}

function evaluate(parameters, { inputs, targets }) {
  const [w1, b1] = [parameters["dense_1/kernel"], parameters["dense_1/bias"]];
  const [w2, b2] = [parameters["dense_2/kernel"], parameters["dense_2/bias"]];
  const hidden = affine(inputs, w1, b1).map((row) => row.map(Math.tanh));
  const logits = affine(hidden, w2, b2);
  let loss = 0;
  const delta2 = logits.map(([z], s) => {
    const [y] = targets[s];
    const e = Math.exp(-Math.abs(z));
    loss += (Math.max(z, 0) - y * z + Math.log1p(e)) / targets.length;
    return [((z > 0 ? 1 : e) / (1 + e) - y) / targets.length];
  });
  const back = product(delta2, columns(w2));
  const delta1 = back.map((row, s) => row.map((value, j) => value * (1 - hidden[s][j] ** 2)));
  return {
    "activation/dense_1": hidden,
    loss,
    "gradient/dense_1/kernel": product(columns(inputs), delta1),
    "gradient/dense_1/bias": sums(delta1),
    "gradient/dense_2/kernel": product(columns(hidden), delta2),
    "gradient/dense_2/bias": sums(delta2),
  };
}

const send = (message) => process.stdout.write(JSON.stringify(message) + "\n");
send({ ok: true, json: true });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const asked = request.do === "evaluate";
  send(asked ? { ok: true, results: evaluate(request.parameters, request.batch) } : { ok: true });
}
