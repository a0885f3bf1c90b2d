module mult(A, OUT);
  input [2:0] A;
  output [1:0] OUT;
  wire _0_;
  wire _1_;
  wire _2_;
  wire _3_;
  wire _4_;
  assign _0_ = (A[0] ^ A[1]);
  assign _1_ = (_0_ ^ A[2]);
  assign _2_ = (A[0] & A[1]);
  assign _3_ = (_0_ & A[2]);
  assign _4_ = (_2_ | _3_);
  assign OUT[0] = _1_;
  assign OUT[1] = _4_;
endmodule
