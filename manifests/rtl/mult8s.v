/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed multiplier, N x N bits: Baugh and Wooley's array. Partial products
 * with one sign bit are inverted, and a one is added in columns N and 2N-1, so
 * that rows of plain full adders make the two's complement product. The rows
 * keep their carries (carry save); the last row ripples.
 */
module mult #(
	parameter N = 8
) (
	input  [N-1:0]   A,
	input  [N-1:0]   B,
	output [2*N-1:0] OUT
);
	/* row i: N sums from column i up, and above them what is carried in;
	 * carry j of row i has the weight of column i + j + 1 */
	wire [N:0]   sum   [0:N-1];
	wire [N-1:0] carry [0:N-1];
	wire [N:0]   ripple;

	genvar i, j;
	generate
		for (i = 0; i < N; i = i + 1) begin : row
			for (j = 0; j < N; j = j + 1) begin : column
				wire p = (A[j] & B[i]) ^ ((i == N - 1) != (j == N - 1));

				if (i == 0) begin : first
					assign sum[0][j]   = p;
					assign carry[0][j] = 1'b0;
				end else begin : add
					wire x = sum[i-1][j+1];
					wire y = carry[i-1][j];

					assign sum[i][j]   = p ^ x ^ y;
					assign carry[i][j] = (p & x) | (y & (p ^ x));
				end
			end
			assign sum[i][N] = (i == 0) || (i == N - 1);
			assign OUT[i]    = sum[i][0];
		end
		for (j = 0; j < N; j = j + 1) begin : last
			wire x = sum[N-1][j+1];
			wire y = carry[N-1][j];

			assign OUT[N+j]    = x ^ y ^ ripple[j];
			assign ripple[j+1] = (x & y) | (ripple[j] & (x ^ y));
		end
	endgenerate
	assign ripple[0] = 1'b0;
endmodule
