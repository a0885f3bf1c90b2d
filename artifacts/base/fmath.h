/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementary functions that give the same bits on every machine, with either
 * compiler: double-precision polynomials of IEEE add, multiply and divide in a
 * fixed order, no fused operations, nothing from the C library. Artifacts use
 * these instead of exp, log, cos and sin.
 *
 * Errors: below 2 ulp of double; the float forms are therefore correctly
 * rounded but for about one argument in 10^8, and always below 1 ulp.
 * tests/unit/test_fmath.c holds the measured figures.
 */
#ifndef AX_FMATH_H
#define AX_FMATH_H

/* e^x: 0 below -745.2, infinity above 709.8; NaN for NaN. */
double ax_exp(double x);
float ax_expf(float x);
/* Natural logarithm: -infinity at 0, NaN below. */
double ax_log(double x);
float ax_logf(float x);
/* cos(pi x) and sin(pi x), exact reduction for |x| < 2^51; NaN beyond. */
double ax_cospi(double x);
double ax_sinpi(double x);
/* A standard normal value from two uniform ones in [0,1) (Box and Muller). */
double ax_normal(double u1, double u2);

#endif
