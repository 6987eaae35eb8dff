"""More general words and the synsets of WordNet below them, for ``derive_words.py``: chosen by hand, one a line."""

from __future__ import annotations

# General words, each with the synsets whose classes it holds. Several make one where people do not part them.
WORDS = """
animal: 00015388
mammal: 01861778
dog: 02084071
dog-like animal: 02083346
hunting dog: 02087122
terrier: 02092468
hound: 02087551
gun dog: 02098550
herding dog: 02104523
spaniel: 02101108
retriever: 02099029
setter: 02100399
poodle: 02113335
spitz: 02111626
schnauzer: 02096756
Swiss mountain dog: 02107420
pinscher: 02106966
corgi: 02112826
sled dog: 02109811
lap dog: 02085374
springer spaniel: 02101861
cat: 02121808
cat-like animal: 02120997
big cat: 02127808
bear: 02131653
fox: 02118333
wolf: 02114100
weasel or a relative: 02441326
rodent: 02329401
rabbit or hare: 02323902
rabbit: 02324045
monkey: 02484322
monkey or ape: 02469914
ape: 02470325
great ape: 02480153
gibbon or siamang: 02483092
lemur: 02496913
hoofed animal: 02370806
antelope: 02419796
pig or boar: 02395003
elephant: 02503517
whale: 02062744
sea mammal: 02062017
horse or zebra: 02374149
mongoose or meerkat: 02134971
marsupial: 01874434
bird: 01503061
water bird: 01844917
duck: 01846331
waterfowl: 01845132
wading bird: 02000954
heron: 02008041
stork: 02002075
shorebird: 02022684
sandpiper: 02026059
seabird: 02021795
bird of prey: 01604330
parrot: 01816887
grouse: 01795088
game bird: 02153203
songbird: 01525720
finch: 01529672
jay or magpie: 01578575
reptile: 01661091
snake: 01726692
viper: 01752165
rattlesnake: 01754876
boa or python: 01741562
lizard: 01674464
turtle: 01662784
sea turtle: 01663401
crocodile or alligator: 01696633
amphibian: 01627424
frog: 01639765
salamander or newt: 01629276
newt: 01630284
fish: 02512053
shark: 01482330
ray: 01495701
insect: 02159955
beetle: 02164464
butterfly: 02274259
dragonfly or damselfly: 02268148
bee or ant: 02206270
grasshopper or cricket: 02226183
cockroach or mantis: 02232951
cicada or leafhopper: 02246011
spider or other arachnid: 01769347
spider: 01772222
crustacean: 01974773
crab: 01976957
lobster: 01982650
mollusc: 01940736
snail or slug: 01942177
starfish or sea urchin: 02316707
coral or sea anemone: 01914163
flower: 11669921
mushroom or fungus: 12992868
fruit: 07705931
citrus fruit: 07747055
vegetable: 07707451
squash: 07715561
cabbage, broccoli or cauliflower: 07713395
fruit or vegetable: 07705711 07705931
food: 00021265 07555863 07705711 07705931 07881800
drink: 07881800
dish of food: 07557434 07695965
bread: 07679356
dessert: 07609840
ice cream or ice lolly: 07611358
sandwich or burger: 07695965
vehicle: 04524313
motor vehicle: 03791235
car: 02958343
lorry or van: 04490091
van: 04520170
bus: 02924116
bicycle: 02834778
locomotive: 03684823
railway vehicle: 03684823 02959942
military vehicle: 03764276
aircraft: 02686568
airship or balloon: 03666917
boat or ship: 04530566
ship: 04194289
warship: 04552696
boat: 02858304
sailing boat: 04128837 04128499
sled: 04235291
wagon or cart: 04543158 02970849
clothing: 03051540 03419014 03380867 03502509 03540267 03381126
shoe: 04199027
footwear: 03380867
headwear: 03502509
hat: 03497657
cap: 02954340
skirt: 04230808
swimwear: 04371563
tie: 03815615
coat: 03057021
sweater: 04370048
sock or stocking: 03540267
helmet: 03513137
scarf: 04143897
armour: 02739668
robe or gown: 04097866 03450516
furniture: 03405725
seat: 04161981
chair: 03001627
table: 04379243
baby bed: 02766320
cabinet: 02933112
musical instrument: 03800933
wind instrument: 04586932
woodwind: 04598582
brass instrument: 02891788
stringed instrument: 04338517
guitar: 03467517
violin or cello: 02880546
percussion instrument: 03915437
keyboard instrument: 03614532
piano: 03928116
building or structure: 04341686
building: 02913152
dwelling: 03546340 04079244 03259505
place of worship: 03953416
shop: 04202417
bridge: 02898711
fence: 03327234
roof: 04105068
monument: 03743902
curtain or blind: 02851099 03151077
electronic equipment: 03278248 03082979 03277771
computer: 03082979
portable computer: 03985232
telephone: 04401088
camera: 02942699
keyboard: 03614007
household appliance: 03528263
kitchen appliance: 03620052
lamp or light: 03636248
clock or watch: 04437953
clock: 03046257
measuring instrument: 03733925
pen: 03906997
tool: 04451818
kitchen utensil: 03621049
cooking pot or pan: 03101986 03990474 03880531
pot: 03990474
container: 03094503
bottle: 02876657
box: 02883344
bag: 02773037
basket: 02801938
jug: 03603722
bowl: 02880940
crockery: 03133538 04381994
weapon: 04565375
gun: 03467984 03343853
knife: 03623556
cloth: 03309808
towel: 04459362
toiletries or cosmetics: 04447443 03714235
ball: 02778669
sports equipment: 04285146 03414162 02778669
puzzle: 04028315
lock: 03682487
mask: 03725035
wheel: 04574999
machine: 03699975 03700963
landscape: 09287968
shore: 09433442
person: 00007846
"""

# Where WordNet's hierarchy and people part: classes (by the names above) that a word holds no longer, or as well.
LESS = """
armour: shield
bag: sleeping bag
ball: punching bag
box: mailbox
bread: meatloaf
building: beehives, home cinema
building or structure: beehives, coil (spiral), radiator grille, honeycomb, plate rack, memorial plaque, home cinema
clock or watch: parking meter
clothing: seat belt, wig
computer: slide rule, web page
container: *vehicle
cooking pot or pan: spatula
crockery: Petri dish, wooden spoon
electronic equipment: slide rule, web page
food: menu, hay
lamp or light: Halloween pumpkin
machine: abacus, car wheel, paddle wheel, toy windmill, slide rule, web page, potter's wheel
monument: memorial plaque
percussion instrument: grand piano, upright piano
sock or stocking: leotard
stringed instrument: grand piano, upright piano
vehicle: missile
wheel: toy windmill
"""
MORE = """
armour: breastplate
building: bell tower, castle, lighthouse, prison, grocery store, sawmill, bakery, barbershop, bookshop, butcher shop, \
sweet shop, shoe shop, tobacconist, toy shop, yurt
building or structure: bell tower, water tower, birdhouse, carousel, maze, oil rig, pier
clothing: cloak, spiked helmet
crockery: coffee mug, cup, plate
cup or mug: coffee mug, cup
electronic equipment: television, radio, microphone, loudspeaker, remote control, photocopier, hard disk
glasses: sunglasses, dark glasses
headwear: spiked helmet
helmet: spiked helmet
jug: pitcher (jug)
lamp or light: table lamp, lampshade, torch (flame)
maize: corn, ear of corn
mask: mask, oxygen mask
monument: obelisk, stupa, totem pole
mushroom or fungus: mushroom
paper roll: paper towel, toilet paper
plant or part of one: daisy, lady's slipper orchid, rapeseed field, corn, ear of corn, acorn, rose hip, horse chestnut
purse or wallet: purse, wallet
railway vehicle: tram, bullet train
screen: monitor, computer screen, television
shore: sandbar
shop: grocery store
sled dog: husky
sports equipment: tennis racket, ski, ice hockey puck
swimwear: leotard
tub or bath: tub (vat), bathtub
vehicle: bullet train
"""
