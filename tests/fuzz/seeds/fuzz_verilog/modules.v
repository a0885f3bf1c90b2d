module leaf(input [1:0] x, output y);
 assign y = &x ? ~x[0] : x == 2;
endmodule
module t(a, y); input [1:0] a; output [1:0] y;
 supply1 v; leaf u(.x(a), .y(y[0])); leaf w({a[0], v}, y[1]);
endmodule
