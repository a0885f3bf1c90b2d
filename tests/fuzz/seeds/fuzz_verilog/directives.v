`timescale 1ns/1ps
`define HAS
`ifdef NONE
module t(input a); `include "x"
`elsif HAS
`celldefine module t(input a, b, output y);
`else
module u(`HAS);
`endif
`ifndef SYNTHESIS
 initial $dump("`endif");
`else
assign y = a & b; `endif
endmodule
`undef HAS
