/* A function in C that Python calls: half the squared error of a linear layer, kernels (fan_out, fan_in).

       cc -O2 -shared -fPIC -o network.so network.c */
double loss_and_gradient(long samples, long fan_in, long fan_out, const double *inputs, const double *targets,
                         const double *kernel, double *gradient) {
    double loss = 0;
    for (long i = 0; i < fan_in * fan_out; i++) gradient[i] = 0;
    for (long s = 0; s < samples; s++)
        for (long k = 0; k < fan_out; k++) {
            double error = -targets[s * fan_out + k];
            for (long j = 0; j < fan_in; j++) error += inputs[s * fan_in + j] * kernel[k * fan_in + j];
            loss += 0.5 * error * error;
            for (long j = 0; j < fan_in; j++) gradient[k * fan_in + j] += error * inputs[s * fan_in + j];
        }
    return loss;
}
